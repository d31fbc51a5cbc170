package buildkit

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/builder/solve"
)

// Builder builds with the daemon at one address. It is safe for concurrent use.
type Builder struct {
	address string
	version string
}

// Connect reads the version of the daemon at address, for example
// "unix:///run/buildkitd.sock". The error is [builder.ErrUnreachable] when nothing
// replies there.
func Connect(ctx context.Context, address string) (*Builder, error) {
	b := &Builder{address: address}
	err := b.with(ctx, func(kit *client.Client) error {
		info, err := kit.Info(ctx)
		if err != nil {
			return err
		}
		b.version = info.BuildkitVersion.Version
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("connect to BuildKit: %w", err)
	}
	return b, nil
}

// Close does nothing: each build has a connection of its own, which ends with it.
func (b *Builder) Close() error { return nil }

// Version describes the daemon for the record of a build.
func (b *Builder) Version() builder.Version {
	return builder.Version{
		Builder:        "buildkitd",
		OS:             "linux",
		Arch:           runtime.GOARCH, // the daemon is on this machine
		Tools:          map[string]string{"buildkit": b.version},
		ReportsSources: true,
		EnforcesPolicy: true,
	}
}

// RemoveLeftovers removes what the daemon got after since from builds that nobody
// follows any more, because their process was killed: their cache and their records. The
// daemon ends such a build by itself; RemoveLeftovers waits for that, but not for long.
// The daemon keeps no images, so the repository is not used. With the zero time it does
// nothing.
func (b *Builder) RemoveLeftovers(ctx context.Context, _ string, since time.Time) error {
	if since.IsZero() {
		return nil
	}
	err := b.with(ctx, func(kit *client.Client) error {
		younger := func(record *client.UsageInfo) bool { return !record.CreatedAt.Before(since) }
		return errors.Join(removeRecords(ctx, kit, younger), removeHistory(ctx, kit, since))
	})
	if err != nil {
		return fmt.Errorf("remove what builds left in BuildKit: %w", err)
	}
	return nil
}

// with calls do with a connection. Its error is the reason why ctx ended, if it did.
func (b *Builder) with(ctx context.Context, do func(*client.Client) error) error {
	kit, err := client.New(ctx, b.address)
	if err != nil {
		return err
	}
	defer kit.Close()
	return ended(ctx, unreachable(b.address, do(kit)))
}

func removeRecords(ctx context.Context, kit *client.Client, ours func(*client.UsageInfo) bool) error {
	prune := func(ctx context.Context, records []*client.UsageInfo) (bool, error) {
		ids := make([]string, 0, len(records))
		for _, record := range records {
			ids = append(ids, "id=="+record.ID)
		}
		removed := make(chan client.UsageInfo)
		count := make(chan int)
		go func() {
			n := 0
			for range removed {
				n++
			}
			count <- n
		}()
		err := kit.Prune(ctx, removed, client.PruneAll, client.WithFilter(ids))
		close(removed)
		return <-count > 0, err
	}
	if err := solve.RemoveRecords(ctx, kit, ours, prune); err != nil {
		return fmt.Errorf("clear the build cache: %w", err)
	}
	return nil
}

// removeHistory removes the records of builds that ended and began after since.
func removeHistory(ctx context.Context, kit *client.Client, since time.Time) error {
	records, err := listHistory(ctx, kit, &controlapi.BuildHistoryRequest{EarlyExit: true})
	for _, record := range records {
		if record.GetCompletedAt() != nil && !record.GetCreatedAt().AsTime().Before(since) {
			err = errors.Join(err, forget(ctx, kit, record.GetRef()))
		}
	}
	return err
}

// unreachable gives err its kind if the daemon does not reply.
func unreachable(address string, err error) error {
	if status.Code(err) != codes.Unavailable {
		return err
	}
	return fmt.Errorf("%w at %s: the server starts it again by itself, so build once more, and look in the log of the server if it fails again: %w", builder.ErrUnreachable, address, err)
}

// errStopped is the error of a build whose daemon ended, with what to do. Nobody knows whether it was
// stopped or what is built ended it.
var errStopped = fmt.Errorf("%w: it was stopped or restarted, or this Dockerfile or one of its steps ended it: look in its log before you build it again", builder.ErrStopped)

// stopped gives err its kind if the connection to the daemon broke after a build.
func stopped(err error) error {
	if status.Code(err) != codes.Unavailable {
		return err
	}
	return fmt.Errorf("%w: %w", errStopped, err)
}

// ended returns the reason why ctx ended, if it did, else err: an operation that was
// cut short reports that, and not the broken connection that it saw.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
