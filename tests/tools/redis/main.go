// Redis, as far as Envoy's rate limit service needs one: miniredis, whose clock goes on.
//
// Prints the address it listens on, a free port of loopback, and runs until it is ended.
package main

import (
	"fmt"
	"log"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// How often what has expired is forgotten.
const tick = 100 * time.Millisecond

func main() {
	redis, err := miniredis.Run()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(redis.Addr())

	// Its keys expire when it is told that time has passed, and not before.
	for last := time.Now(); ; {
		time.Sleep(tick)
		now := time.Now()
		redis.FastForward(now.Sub(last))
		last = now
	}
}
