package logs

import (
	"bytes"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Choice is which lines of a log somebody wants to see.
type Choice struct {
	Since  time.Time
	Tail   int
	Limit  int64
	Stamps bool
	Follow bool
}

// ParseChoice reads a Choice from what the API server asks the node with.
func ParseChoice(query url.Values, now time.Time) (Choice, error) {
	choice := Choice{
		Tail:   -1,
		Limit:  -1,
		Stamps: query.Get("timestamps") == "true",
		Follow: query.Get("follow") == "true",
	}
	var err error
	if text := query.Get("sinceTime"); text != "" {
		if choice.Since, err = time.Parse(time.RFC3339, text); err != nil {
			return Choice{}, fmt.Errorf("sinceTime: %w", err)
		}
	}
	if text := query.Get("sinceSeconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil {
			return Choice{}, fmt.Errorf("sinceSeconds: %w", err)
		}
		choice.Since = now.Add(-time.Duration(seconds) * time.Second)
	}
	if text := query.Get("tailLines"); text != "" {
		if choice.Tail, err = strconv.Atoi(text); err != nil {
			return Choice{}, fmt.Errorf("tailLines: %w", err)
		}
	}
	if text := query.Get("limitBytes"); text != "" {
		if choice.Limit, err = strconv.ParseInt(text, 10, 64); err != nil {
			return Choice{}, fmt.Errorf("limitBytes: %w", err)
		}
	}
	return choice, nil
}

// Of is what was chosen of some lines of a log.
func (c Choice) Of(lines []byte) []byte {
	since := []byte(c.Since.UTC().Format(stamp))
	var chosen [][]byte
	for line := range bytes.Lines(lines) {
		if bytes.Compare(line[:len(stamp)], since) < 0 {
			continue
		}
		if !c.Stamps {
			line = line[len(stamp)+1:]
		}
		chosen = append(chosen, line)
	}
	if c.Tail >= 0 && c.Tail < len(chosen) {
		chosen = chosen[len(chosen)-c.Tail:]
	}
	text := bytes.Join(chosen, nil)
	if c.Limit >= 0 && c.Limit < int64(len(text)) {
		text = text[:c.Limit]
	}
	return text
}

// Rest is the choice of what is printed after some text was chosen.
func (c Choice) Rest(text []byte) Choice {
	c.Tail = -1
	if c.Limit >= 0 {
		c.Limit -= int64(len(text))
	}
	return c
}
