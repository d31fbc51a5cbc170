package buildkit

// The daemon keeps a record of each build: a SLSA provenance statement with every
// source that it used. That is where the digests of base images come from; nothing is
// looked up after the build.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	contentapi "github.com/containerd/containerd/api/services/content/v1"
	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
)

// maxRecord bounds the provenance of a build, in bytes. It grows with the number of
// steps and of layers.
const maxRecord = 64 << 20

// record reads the provenance of the build ref.
func record(ctx context.Context, kit *client.Client, ref string) (*provenance, error) {
	records, err := listHistory(ctx, kit, &controlapi.BuildHistoryRequest{Ref: ref, EarlyExit: true})
	if err != nil {
		return nil, err
	}
	for _, record := range records {
		if record.GetRef() != ref {
			continue
		}
		attestations := record.GetResult().GetAttestations()
		if len(attestations) != 1 {
			return nil, fmt.Errorf("BuildKit's record of the build has %d attestations, not one", len(attestations))
		}
		text, err := blob(ctx, kit, attestations[0])
		if err != nil {
			return nil, fmt.Errorf("read the provenance of the build: %w", err)
		}
		var p provenance
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, fmt.Errorf("read the provenance of the build: %w", err)
		}
		return &p, nil
	}
	return nil, errors.New("BuildKit has no record of the build")
}

func listHistory(ctx context.Context, kit *client.Client, request *controlapi.BuildHistoryRequest) ([]*controlapi.BuildHistoryRecord, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := kit.ControlClient().ListenBuildHistory(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("list BuildKit's records: %w", err)
	}
	var records []*controlapi.BuildHistoryRecord
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list BuildKit's records: %w", err)
		}
		records = append(records, event.GetRecord())
	}
}

// blob reads what a descriptor of a record leads to.
func blob(ctx context.Context, kit *client.Client, of *controlapi.Descriptor) ([]byte, error) {
	if size := of.GetSize(); size < 0 || size > maxRecord {
		return nil, fmt.Errorf("it has %d bytes, at most %d are allowed", size, maxRecord)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := kit.ContentClient().Read(ctx, &contentapi.ReadContentRequest{Digest: of.GetDigest()})
	if err != nil {
		return nil, err
	}
	var text []byte
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if text = append(text, part.GetData()...); int64(len(text)) > of.GetSize() {
			break
		}
	}
	if int64(len(text)) != of.GetSize() {
		return nil, fmt.Errorf("it has another size than its descriptor")
	}
	return text, nil
}

// forget removes the record of a build.
func forget(ctx context.Context, kit *client.Client, ref string) error {
	_, err := kit.ControlClient().UpdateBuildHistory(ctx, &controlapi.UpdateBuildHistoryRequest{Ref: ref, Delete: true})
	if err != nil {
		return fmt.Errorf("remove BuildKit's record of a build: %w", err)
	}
	return nil
}
