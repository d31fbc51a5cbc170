package dockerd

// The life of the engine, from its start to its end.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/docker/docker/client"

	"github.com/opensbs/sbs/server/process"
)

const (
	endTime   = 10 * time.Second       // for the processes of an engine that was killed
	startTime = 60 * time.Second       // until it replies; a large volume after a crash takes long
	stopTime  = 20 * time.Second       // dockerd itself gives containers ten
	askEvery  = 100 * time.Millisecond // between two requests until it replies
	firstRest = time.Second            // before it is started again
	longRest  = time.Minute            // at most, when it keeps ending
)

// Daemon is a Docker Engine that runs, or is about to be started again.
type Daemon struct {
	config  Config
	stop    context.CancelFunc
	stopped chan struct{} // closed when nothing of it runs any more
	removed chan struct{} // closed when the data of earlier engines are no longer being removed
	err     error         // error of the last stop; read only after stopped is closed
}

// Start starts an engine without any data of an earlier one, and waits until it
// replies, or until ctx ends. The engine runs until Stop is called, also after ctx has
// ended. When it ends by itself it is started again, with its data.
//
// The error of an engine that ends while it starts shows how it ended; why is
// in the log.
func Start(ctx context.Context, config Config) (*Daemon, error) {
	if err := errors.Join(config.makeFolders(), leaveRoot(cgroupRoot)); err != nil {
		return nil, fmt.Errorf("start a Docker Engine: %w", err)
	}
	data, earlier, err := newData(config.Data)
	if err == nil { // its containers could have files of them open
		err = endGroup(ctx, cgroupRoot, config.Group)
	}
	if err != nil {
		return nil, fmt.Errorf("start a Docker Engine: %w", err)
	}
	config.Data = data
	lasting, stop := context.WithCancel(context.WithoutCancel(ctx))
	d := &Daemon{config: config, stop: stop, stopped: make(chan struct{}), removed: make(chan struct{})}
	d.remove(lasting, earlier)
	first, err := d.launch(ctx)
	if err != nil {
		stop()
		<-d.removed
		return nil, fmt.Errorf("start a Docker Engine: %w", err)
	}
	go d.watch(lasting, first)
	return d, nil
}

// remove removes the data of earlier engines. It waits for that only for a time:
// what is left is not used, and is removed while the engine runs.
func (d *Daemon) remove(lasting context.Context, earlier []string) {
	go func() {
		defer close(d.removed)
		if err := removeEarlier(lasting, earlier); err != nil {
			d.config.Logger.Error("remove the data of an earlier Docker Engine; nothing of them is used", "error", err)
		}
	}()
	select {
	case <-d.removed:
	case <-time.After(removeTime):
		d.config.Logger.Info("the data of an earlier Docker Engine are still being removed", "folders", len(earlier))
	}
}

// Host returns the address of the engine, in the form of DOCKER_HOST.
func (d *Daemon) Host() string { return d.config.host() }

// Stop stops the engine and its containers and waits for their end, which takes
// at most half a minute.
func (d *Daemon) Stop() error {
	d.stop()
	<-d.stopped
	<-d.removed
	return d.err
}

// watch restarts the engine until ctx ends, after a longer pause each time that it ends
// soon.
func (d *Daemon) watch(ctx context.Context, running *process.Child) {
	defer close(d.stopped)
	rest := firstRest
	for {
		began := time.Now()
		select {
		case <-ctx.Done():
			d.err = errors.Join(d.end(ctx, running), endGroup(context.WithoutCancel(ctx), cgroupRoot, d.config.Group))
			return
		case <-running.Done():
			d.config.Logger.Error("the Docker Engine ended and is started again", "error", running.Err(), "rest", rest.String())
		}
		if time.Since(began) > longRest {
			rest = firstRest
		}
		if running = d.again(ctx, rest); running == nil {
			return
		}
		rest = min(2*rest, longRest)
	}
}

// again starts the engine after a pause, and tries until it runs. It returns nil when
// ctx ends first.
func (d *Daemon) again(ctx context.Context, rest time.Duration) *process.Child {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rest):
		}
		running, err := d.launch(ctx)
		if err == nil {
			d.config.Logger.Info("the Docker Engine is up again")
			return running
		}
		if ctx.Err() != nil {
			return nil
		}
		d.config.Logger.Error("start the Docker Engine again", "error", err)
		rest = min(2*rest, longRest)
	}
}

// launch starts the program and waits until the engine replies. After an error
// nothing of it is left.
func (d *Daemon) launch(ctx context.Context) (*process.Child, error) {
	if err := d.config.removePIDFile(); err != nil {
		return nil, err
	}
	if err := endGroup(ctx, cgroupRoot, d.config.Group); err != nil {
		return nil, err
	}
	output := newOutput(d.config.Logger)
	command := process.Command(d.config.Program, d.config.arguments()...)
	command.Env = d.config.environment(os.Getenv)
	command.Stdout, command.Stderr = output, output
	running, err := process.Start("dockerd", command)
	if err != nil {
		return nil, err
	}
	if err := d.answers(ctx, running); err != nil {
		return nil, errors.Join(err, d.end(ctx, running))
	}
	return running, nil
}

func (d *Daemon) answers(ctx context.Context, running *process.Child) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("it did not reply within %s", startTime))
	defer cancel()
	api, err := client.NewClientWithOpts(client.WithHost(d.Host()))
	if err != nil {
		return err
	}
	defer api.Close()
	for {
		_, err := api.Ping(ctx)
		if err == nil {
			return nil
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

func (d *Daemon) end(ctx context.Context, running *process.Child) error {
	select {
	case <-running.Done():
		return nil // how it ended is in the log
	default:
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := running.Stop(ctx); err != nil {
		return fmt.Errorf("stop the Docker Engine: %w", err)
	}
	return nil
}
