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

func TestAnAddressThatIsAskedForIsGivenOnce(t *testing.T) {
	addresses := small()
	wanted, strange := netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("10.0.1.5")

	if !addresses.Claim(wanted) || addresses.Claim(wanted) || addresses.Claim(strange) {
		t.Error("it is given once, and others' are not given")
	}
	for range 4 {
		if address, err := addresses.Take(); err != nil || address == wanted {
			t.Errorf("%s: %v", address, err)
		}
	}
	addresses.Give(wanted)
	if !addresses.Claim(wanted) {
		t.Error("it was given back")
	}
}

// Five can be taken: eight without the network's, the bridge's and the last.
func small() *Addresses {
	return NewAddresses(netip.MustParsePrefix("10.0.0.0/29"), netip.MustParseAddr("10.0.0.1"))
}
