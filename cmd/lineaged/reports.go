package main

import (
	"sync/atomic"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/ledger/closing"
)

// past is where answers find the ledger, which is opened after who answers, since it is made of answers.
type past struct{ of atomic.Pointer[book] }

// ledger is answer.Options'.
func (p *past) ledger() answer.Ledger {
	b := p.of.Load()
	if b == nil || b.log == nil {
		return nil
	}
	return closing.Said{Reader: b.log.Reader}
}
