// Package images knows which program an image stands for.
package images

import (
	"fmt"
	"strings"
)

// Images are programs of this machine, by names of images.
//
// A name need not have the registry's host, nor a tag or digest: `gateway` stands for
// `example.com/gateway:v1` too, and `a/gateway` does not stand for `b/gateway`.
type Images map[string]string

// Set adds NAME=PROGRAM, as a flag does.
func (i Images) Set(text string) error {
	name, program, found := strings.Cut(text, "=")
	if !found || name == "" || program == "" {
		return fmt.Errorf("not NAME=PROGRAM: %s", text)
	}
	i[name] = program
	return nil
}

// String is for flags.
func (i Images) String() string {
	return fmt.Sprint(map[string]string(i))
}

// Find is the program of the image that a container asks for.
func (i Images) Find(image string) (program string, found bool) {
	bare := withoutVersion(image)
	for _, name := range []string{image, bare} {
		if program, found := i[name]; found {
			return program, true
		}
	}
	// The longest name is the most exact one.
	var best string
	for name := range i {
		if strings.HasSuffix(bare, "/"+name) && len(name) > len(best) {
			best = name
		}
	}
	return i[best], best != ""
}

func withoutVersion(image string) string {
	image, _, _ = strings.Cut(image, "@")
	// A colon before the last slash is that of the registry's port.
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		return image[:colon]
	}
	return image
}
