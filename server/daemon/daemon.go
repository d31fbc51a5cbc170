package daemon

// The life of a daemon, from its start to its end.

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/opensbs/sbs/server/process"
)

const (
	endTime   = 10 * time.Second       // for the processes of a daemon that was killed
	startTime = 60 * time.Second       // until it replies; a large volume after a crash takes long
	stopTime  = 20 * time.Second       // dockerd itself gives containers ten
	cleanTime = 30 * time.Second       // for the cleanup after its end
	askEvery  = 100 * time.Millisecond // between two requests until it replies
	firstRest = time.Second            // before it is started again
	longRest  = time.Minute            // at most, when it keeps ending
)

// ErrUnusable is joined with an error of Ready that waiting does not change.
var ErrUnusable = errors.New("the daemon must not be used")

// Daemon is a daemon that runs, or is about to be restarted.
type Daemon struct {
	config  Config
	data    string // the folder of the one that runs
	stop    context.CancelFunc
	stopped chan struct{}  // closed when nothing of it runs any more
	removal sync.WaitGroup // of the data of earlier daemons
	err     error          // error of the last stop; read only after stopped is closed
}

// Start starts a daemon without any data of an earlier one, and waits until it is
// ready, or until ctx ends. It runs until Stop is called, also after ctx has ended. When
// it ends by itself it is restarted.
//
// The error of a daemon that ends while it starts shows how it ended; why is in the log.
func Start(ctx context.Context, config Config) (*Daemon, error) {
	lasting, stop := context.WithCancel(context.WithoutCancel(ctx))
	d := &Daemon{config: config, stop: stop, stopped: make(chan struct{})}
	first, err := d.first(ctx, lasting)
	if err != nil {
		stop()
		d.removal.Wait()
		return nil, fmt.Errorf("start a %s: %w", config.Name, err)
	}
	go d.watch(lasting, first)
	return d, nil
}

func (d *Daemon) first(ctx, lasting context.Context) (*process.Child, error) {
	if err := leaveRoot(cgroupRoot); err != nil {
		return nil, err
	}
	if err := d.renew(ctx, lasting); err != nil {
		return nil, err
	}
	return d.launch(ctx)
}

// renew makes a new folder for the daemon's data. The earlier ones are removed once
// no process has files of them open.
func (d *Daemon) renew(ctx, lasting context.Context) error {
	data, earlier, err := newData(d.config.Data)
	if err != nil {
		return err
	}
	if err := endGroup(ctx, cgroupRoot, d.config.Group); err != nil {
		return err
	}
	d.data = data
	d.remove(lasting, earlier)
	return nil
}

// remove removes the data of earlier daemons. It waits for that only for a time:
// what is left is not used, and is removed while the daemon runs.
func (d *Daemon) remove(lasting context.Context, earlier []string) {
	removed := make(chan struct{})
	d.removal.Go(func() {
		defer close(removed)
		if err := removeEarlier(lasting, earlier); err != nil {
			d.config.Logger.Error("remove the data of an earlier "+d.config.Name+"; nothing of them is used", "error", err)
		}
	})
	select {
	case <-removed:
	case <-time.After(removeTime):
		d.config.Logger.Info("the data of an earlier "+d.config.Name+" are still being removed", "folders", len(earlier))
	}
}

// Stop stops the daemon and the commands of its builds and waits for their end, which
// takes at most a minute.
func (d *Daemon) Stop() error {
	d.stop()
	<-d.stopped
	d.removal.Wait()
	return d.err
}

// watch restarts the daemon until ctx ends, after a longer pause each time that it ends
// soon.
func (d *Daemon) watch(ctx context.Context, running *process.Child) {
	defer close(d.stopped)
	rest := firstRest
	for {
		began := time.Now()
		select {
		case <-ctx.Done():
			d.err = d.end(ctx, running)
			return
		case <-running.Done():
			d.config.Logger.Error("the "+d.config.Name+" ended and is started again", "error", running.Err(), "rest", rest.String())
		}
		if time.Since(began) > longRest {
			rest = firstRest
		}
		if running = d.again(ctx, rest); running == nil {
			d.err = d.clean(ctx)
			return
		}
		rest = min(2*rest, longRest)
	}
}

// again starts the daemon after a pause, and tries until it runs. It returns nil when
// ctx ends first.
func (d *Daemon) again(ctx context.Context, rest time.Duration) *process.Child {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rest):
		}
		running, err := d.restart(ctx)
		if err == nil {
			d.config.Logger.Info("the " + d.config.Name + " is up again")
			return running
		}
		if ctx.Err() != nil {
			return nil
		}
		d.config.Logger.Error("start the "+d.config.Name+" again", "error", err)
		rest = min(2*rest, longRest)
	}
}

func (d *Daemon) restart(ctx context.Context) (*process.Child, error) {
	if d.config.NewData {
		if err := d.renew(ctx, ctx); err != nil {
			return nil, err
		}
	}
	return d.launch(ctx)
}

// launch starts the program and waits until it is ready. After an error nothing of it
// runs.
func (d *Daemon) launch(ctx context.Context) (*process.Child, error) {
	if err := d.clean(ctx); err != nil {
		return nil, err
	}
	command, err := d.config.Command(ctx, d.data)
	if err != nil {
		return nil, errors.Join(err, d.clean(ctx))
	}
	output := newOutput(d.config.Logger, d.config.Name)
	command.Stdout, command.Stderr = output, output
	running, err := process.Start(d.config.Name, command)
	if err != nil {
		return nil, errors.Join(err, d.clean(ctx))
	}
	if err := d.wait(ctx, running); err != nil {
		return nil, errors.Join(err, d.end(ctx, running))
	}
	return running, nil
}

// wait waits until the daemon is ready.
func (d *Daemon) wait(ctx context.Context, running *process.Child) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("it did not reply within %s", startTime))
	defer cancel()
	for {
		err := d.config.Ready(ctx)
		if err == nil || errors.Is(err, ErrUnusable) {
			return err
		}
		select {
		case <-running.Done():
			return fmt.Errorf("it ended while it started: %w", errors.Join(running.Err(), err))
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(askEvery):
		}
	}
}

// end stops the daemon, also after the end of ctx, and what it has started.
func (d *Daemon) end(ctx context.Context, running *process.Child) error {
	select {
	case <-running.Done():
		return d.clean(ctx) // how it ended is in the log
	default:
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := running.Stop(stopping); err != nil {
		return errors.Join(fmt.Errorf("stop the %s: %w", d.config.Name, err), d.clean(ctx))
	}
	return d.clean(ctx)
}

// clean ends and removes what a daemon that does not run any more has left, also
// after the end of ctx.
func (d *Daemon) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
	defer cancel()
	err := endGroup(ctx, cgroupRoot, d.config.Group)
	if err == nil {
		err = unmountBelow(d.data)
	}
	if d.config.Cleanup != nil {
		err = errors.Join(err, d.config.Cleanup(ctx))
	}
	return err
}
