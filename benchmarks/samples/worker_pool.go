// Package pool runs jobs on a fixed number of goroutines.
package pool

import (
	"context"
	"errors"
	"sync"
)

// ErrClosed is returned by Submit after Close.
var ErrClosed = errors.New("pool: closed")

// Job is one unit of work.
type Job func(ctx context.Context) error

// Pool runs jobs until it is closed.
type Pool struct {
	mu     sync.Mutex
	wg     sync.WaitGroup
	jobs   chan Job
	closed bool
	errs   []error
}

// New starts a pool of n workers.
func New(ctx context.Context, n int) *Pool {
	p := &Pool{jobs: make(chan Job)}
	for i := 0; i < n; i++ {
		p.wg.Add(1)
		go p.work(ctx)
	}
	return p
}

func (p *Pool) work(ctx context.Context) {
	defer p.wg.Done()
	for job := range p.jobs {
		if err := job(ctx); err != nil {
			p.mu.Lock()
			p.errs = append(p.errs, err)
			p.mu.Unlock()
		}
	}
}

// Submit hands a job to the next idle worker.
func (p *Pool) Submit(job Job) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	p.jobs <- job
	return nil
}

// Close waits for all jobs and returns the errors that they reported.
func (p *Pool) Close() []error {
	p.mu.Lock()
	p.closed = true
	close(p.jobs)
	p.mu.Unlock()
	p.wg.Wait()
	return p.errs
}
