package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/IBM/ibm-cos-sdk-go/aws"
	"github.com/IBM/ibm-cos-sdk-go/service/s3"
	"github.com/IBM/ibm-cos-sdk-go/service/s3/s3manager"
)

const (
	// partSize is the size of one part, in bytes. A larger object is uploaded in
	// parts, each of which is retried separately.
	partSize = 16 << 20
	// abortTime bounds aborting an upload in parts.
	abortTime = 10 * time.Second
)

// Put uploads content under name, without holding it in memory. The object is stored
// completely or not at all.
func (s *Store) Put(ctx context.Context, name string, content *io.SectionReader) error {
	uploader := s3manager.NewUploaderWithClient(s.s3, func(u *s3manager.Uploader) {
		u.PartSize = partSize
		u.Concurrency = 2
		u.LeavePartsOnError = true // abort removes them, even when ctx has ended
	})
	_, err := uploader.UploadWithContext(ctx, &s3manager.UploadInput{
		Bucket: aws.String(s.bucket),
		Key:    aws.String(name),
		Body:   content,
	})
	var inParts s3manager.MultiUploadFailure
	if errors.As(err, &inParts) {
		err = errors.Join(err, s.abort(ctx, name, inParts.UploadID()))
	}
	if err != nil {
		return s.explain(ctx, fmt.Sprintf("store %s", name), err)
	}
	return nil
}

// abort removes the parts that were uploaded: the store would charge for them.
func (s *Store) abort(ctx context.Context, name, uploadID string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	_, err := s.s3.AbortMultipartUploadWithContext(ctx, &s3.AbortMultipartUploadInput{
		Bucket:   aws.String(s.bucket),
		Key:      aws.String(name),
		UploadId: aws.String(uploadID),
	})
	return err
}

// Get returns the object called name, of at most limit bytes.
func (s *Store) Get(ctx context.Context, name string, limit int64) (content []byte, err error) {
	operation := fmt.Sprintf("fetch %s", name)
	output, err := s.s3.GetObjectWithContext(ctx, &s3.GetObjectInput{
		Bucket: aws.String(s.bucket),
		Key:    aws.String(name),
	})
	if err != nil {
		return nil, s.explain(ctx, operation, err)
	}
	defer func() { _ = output.Body.Close() }() // it was read to its end, or is no longer needed
	content, err = io.ReadAll(io.LimitReader(output.Body, limit+1))
	if err != nil {
		return nil, s.explain(ctx, operation, err)
	}
	if int64(len(content)) > limit {
		return nil, &Error{Operation: operation, Bucket: s.bucket, Problem: fmt.Sprintf("the object is larger than %d bytes: it is not what this server stored", limit), kind: ErrTooLarge}
	}
	return content, nil
}
