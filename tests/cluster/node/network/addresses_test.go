package network

import (
	"net/netip"
	"testing"
)

func TestAnAddressHasOneOwner(t *testing.T) {
	addresses := small()
	seen := map[netip.Addr]bool{}
	for range 5 {
		address, err := addresses.Take()
		if err != nil {
			t.Fatal(err)
		}
		if seen[address] {
			t.Errorf("%s was taken twice", address)
		}
		if !addresses.Range().Contains(address) {
			t.Errorf("%s is not of the range", address)
		}
		seen[address] = true
	}

	if address, err := addresses.Take(); err == nil {
		t.Errorf("%s was left of an empty range", address)
	}
}

func TestWhatWasGivenBackComesLast(t *testing.T) {
	addresses := small()
	first, err := addresses.Take()
	if err != nil {
		t.Fatal(err)
	}
	addresses.Give(first)
	var last netip.Addr
	for range 5 {
		if last, err = addresses.Take(); err != nil {
			t.Fatal(err)
		}
	}

	if last != first {
		t.Errorf("%s came last, %s was given back", last, first)
	}
}

// Five can be taken: eight without the network's, the bridge's and the last.
func small() *Addresses {
	return NewAddresses(netip.MustParsePrefix("10.0.0.0/29"), netip.MustParseAddr("10.0.0.1"))
}
