package engine

// The classic builder is for Engines without BuildKit. It keeps an image for
// every step and a container for the running one; what of it is not the result
// is removed here as soon as the build ends, however it ends. It does not report
// which images it took from outside: their names are read from the Dockerfile, and
// their digests are not known.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/server/progress"
)

var errNoImage = errors.New("the Engine ended the build without telling which image it made")

func (e *Engine) buildClassic(ctx context.Context, request BuildRequest, output io.Writer) (Image, error) {
	names, err := baseOfDockerfile(request)
	if err != nil {
		return Image{}, err
	}
	archive, err := newContextArchive(request)
	if err != nil {
		return Image{}, err
	}
	left, err := e.watchLeftovers(ctx)
	if err != nil {
		return Image{}, err
	}
	id, err := e.runClassic(ctx, request, archive, left, output)
	if err == nil {
		// Tags are not left to the Engine: it would still set them in a build
		// that is cancelled during its last step.
		err = e.Tag(ctx, id, request.Tags...)
	}
	e.clearLeftovers(ctx, left, output)
	if err != nil {
		return Image{}, left.explain(err)
	}
	base, err := baseImages(names)
	if err != nil {
		return Image{}, err
	}
	return Image{ID: id, Base: base}, nil
}

// baseOfDockerfile lists the images from outside that the Dockerfile names.
func baseOfDockerfile(request BuildRequest) ([]string, error) {
	content, err := readBounded(request.Dockerfile)
	if err != nil {
		return nil, fmt.Errorf("read the Dockerfile: %w", err)
	}
	names, err := dockerfile.External(content, dockerfile.Environment{Args: request.Args})
	if err != nil {
		return nil, fmt.Errorf("read the Dockerfile: %w", err)
	}
	return names, nil
}

// runClassic sends the context and follows the build. It returns only after the
// goroutine that sends has ended.
func (e *Engine) runClassic(ctx context.Context, request BuildRequest, archive *contextArchive, left *leftovers, output io.Writer) (id string, err error) {
	reader, writer := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		err := archive.write(ctx, progress.Writer(ctx, writer))
		writer.CloseWithError(err)
		sent <- err
	}()
	response, err := e.api.ImageBuild(ctx, reader, classicOptions(request, archive))
	if err == nil {
		id, err = followClassic(progress.Reader(ctx, response.Body), left, output)
		response.Body.Close()
	} else {
		err = unreachable(ctx, e.api.DaemonHost(), err)
	}
	reader.Close()
	// A context that could not be read is the cause of whatever followed; one
	// that the Engine did not want to hear to its end is not.
	if sendErr := <-sent; sendErr != nil && !errors.Is(sendErr, io.ErrClosedPipe) {
		err = sendErr
	}
	return id, err
}

func classicOptions(request BuildRequest, archive *contextArchive) build.ImageBuildOptions {
	args := make(map[string]*string, len(request.Args))
	for name, value := range request.Args {
		args[name] = &value
	}
	return build.ImageBuildOptions{
		Version:     build.BuilderV1,
		Dockerfile:  archive.dockerfile,
		BuildArgs:   args,
		AuthConfigs: authConfigs(request.Accounts),
		NoCache:     true,
		Remove:      true,
		ForceRemove: true,
	}
}

// followClassic writes the stream of a build as it comes and takes the image's
// ID out of it.
func followClassic(stream io.Reader, left *leftovers, output io.Writer) (id string, err error) {
	layers := newStatusLines(output)
	err = readMessages(stream, func(message jsonmessage.JSONMessage) error {
		if message.Aux != nil {
			var result build.Result
			if err := json.Unmarshal(*message.Aux, &result); err != nil {
				return fmt.Errorf("read the result of the build: %w", err)
			}
			id = result.ID
			return nil
		}
		left.read(message.Stream)
		if _, err := io.WriteString(output, message.Stream); err != nil {
			return err
		}
		return layers.write(message)
	})
	if err == nil && id == "" {
		err = errNoImage
	}
	return id, err
}
