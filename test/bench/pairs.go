package main

import (
	"context"
	"time"
)

// side is one of a pair. work is measured; before and after are not, and may be
// nil.
type side struct {
	before, work, after func(context.Context) error
}

// pairs measures both sides in turn, each as often as the other, in seconds. Who
// goes first changes from pair to pair, because the second may find the machine
// warmer, or busier with what the first has left. renew, when not nil, makes what
// a pair works on.
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
			took, err := turn.once(ctx)
			if err != nil {
				return nil, nil, err
			}
			*turn.took = append(*turn.took, took)
		}
		say("%s: theirs %.3f s, ours %.3f s, ratio %.2f", name, them[round], us[round], us[round]/them[round])
	}
	return them, us, nil
}

func (s side) once(ctx context.Context) (float64, error) {
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
