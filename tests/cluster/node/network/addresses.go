package network

import (
	"errors"
	"net/netip"
	"sync"
)

// Addresses hands out those of one range, each to one owner at a time.
//
// An address that was given back comes last: who still knows it as somebody else's
// finds nobody there, not somebody new.
type Addresses struct {
	mutex sync.Mutex
	owned netip.Prefix
	next  netip.Addr
	taken map[netip.Addr]bool
}

// NewAddresses hands out what is in the range after first.
func NewAddresses(owned netip.Prefix, first netip.Addr) *Addresses {
	return &Addresses{owned: owned.Masked(), next: first, taken: map[netip.Addr]bool{}}
}

// Range is what the addresses are of.
func (a *Addresses) Range() netip.Prefix {
	return a.owned
}

// Take is an address that nobody has.
func (a *Addresses) Take() (netip.Addr, error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	start := a.next
	for candidate := a.after(start); ; candidate = a.after(candidate) {
		if !a.taken[candidate] {
			a.taken[candidate] = true
			a.next = candidate
			return candidate, nil
		}
		if candidate == start {
			return netip.Addr{}, errors.New("every address of " + a.owned.String() + " is taken")
		}
	}
}

// Claim is whether this very address could be had.
func (a *Addresses) Claim(address netip.Addr) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if !a.owned.Contains(address) || a.taken[address] {
		return false
	}
	a.taken[address] = true
	return true
}

// Give lets others have an address.
func (a *Addresses) Give(address netip.Addr) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	delete(a.taken, address)
}

// after is the next one; after the last, the third, since the first two are the
// network's and the bridge's own.
func (a *Addresses) after(address netip.Addr) netip.Addr {
	next := address.Next()
	if a.owned.Contains(next) && a.owned.Contains(next.Next()) {
		return next
	}
	return a.owned.Addr().Next().Next()
}
