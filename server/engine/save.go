package engine

// The contents of an image are read from the archive of docker save: from the image
// itself, and not from the reply of a registry.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/opensbs/sbs/server/progress"
)

// ErrTooLarge means that an image has more bytes than the caller takes.
var ErrTooLarge = errors.New("the image is too large")

// noLayers is the error of an Engine that can't save an image without layers.
const noLayers = "empty export"

// Save writes the image tagged reference ("host/repository:tag") to w, as the
// archive that docker save makes and docker load takes. An image whose archive
// has more than most bytes is ErrTooLarge.
func (e *Engine) Save(ctx context.Context, reference string, w io.Writer, most int64) error {
	tagged, err := parseTag(reference)
	if err != nil {
		return fmt.Errorf("save an image: %w", err)
	}
	stream, err := e.api.ImageSave(ctx, []string{tagged.String()})
	if err != nil && strings.Contains(err.Error(), noLayers) {
		if err := e.saveWithoutLayers(ctx, tagged.String(), w); err != nil {
			return fmt.Errorf("save %s: %w", reference, ended(ctx, err))
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", reference, unreachable(ctx, e.api.DaemonHost(), err))
	}
	defer stream.Close()
	n, err := io.Copy(w, io.LimitReader(progress.Reader(ctx, stream), most+1))
	if err == nil && n > most {
		err = fmt.Errorf("%w: its archive has more than %d bytes", ErrTooLarge, most)
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", reference, ended(ctx, err))
	}
	return nil
}
