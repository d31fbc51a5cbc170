package main

import (
	"context"
	"time"
)

// side is one side of a pair. work is measured; before and after are not, and may be nil.
type side struct {
	before, work, after func(context.Context) error
}

// pairs measures both sides alternately, and returns their times in seconds. The side
// that runs first changes from pair to pair, because the second may find warm caches, or
// a machine that is still busy with the first. renew, if not nil, is called before each
// pair.
func (b *bench) pairs(ctx context.Context, name string, renew func(ctx context.Context, round int) error, theirs, ours side) (them, us []float64, err error) {
	for round := range b.rounds {
		if renew != nil {
			if err := renew(ctx, round); err != nil {
				return nil, nil, err
			}
		}
		order := []struct {
			side
			took *[]float64
		}{{theirs, &them}, {ours, &us}}
		if round%2 == 1 {
			order[0], order[1] = order[1], order[0]
		}
		for _, turn := range order {
			took, err := turn.run(ctx)
			if err != nil {
				return nil, nil, err
			}
			*turn.took = append(*turn.took, took)
		}
		logf("%s: theirs %.3f s, ours %.3f s, ratio %.2f", name, them[round], us[round], us[round]/them[round])
	}
	return them, us, nil
}

// run runs the side once and returns the time of work in seconds.
func (s side) run(ctx context.Context) (float64, error) {
	if s.before != nil {
		if err := s.before(ctx); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	if err := s.work(ctx); err != nil {
		return 0, err
	}
	took := time.Since(began).Seconds()
	if s.after != nil {
		return took, s.after(ctx)
	}
	return took, nil
}
