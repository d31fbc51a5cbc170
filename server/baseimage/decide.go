package baseimage

// Verification during the build: a builder that enforces policies requests a
// decision on each source when it comes to it, so that the Dockerfile is read by
// nobody but the builder.

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/signature"
)

// maxDecided bounds the number of different images that one build may request.
const maxDecided = 1000

// Decider decides about the sources of one build: an image is used by the digest that
// was verified, or not at all. It is safe for concurrent use.
type Decider struct {
	verifiers Verifiers
	rules     []api.BaseRule
	access    Access
	notice    func(Image)

	flight singleflight.Group // one verification of each name

	mu       sync.Mutex
	verified []Image // each once, in the order of the builder's questions
	err      error   // the first refusal
}

// Decider returns a decider with the rules. access is that of [Request]; verified is
// called for each image as soon as it is verified.
func (v Verifiers) Decider(rules []api.BaseRule, access Access, verified func(Image)) *Decider {
	return &Decider{verifiers: v, rules: rules, access: access, notice: verified}
}

// Decide verifies an image by the first rule that covers its name, once, and
// decides for the digest that was verified. The rules do not cover downloads, which
// are allowed as those of a RUN instruction are. Any other source is refused.
func (d *Decider) Decide(ctx context.Context, source builder.Source) (builder.Decision, error) {
	switch source.Kind {
	case builder.SourceImage:
		digest, err := d.verify(ctx, source.Name)
		if err != nil {
			d.refuse(err)
			return builder.Decision{Reason: err.Error()}, nil
		}
		return builder.Decision{Allow: true, Digest: digest}, nil
	case builder.SourceHTTP, builder.SourceGit:
		return builder.Decision{Allow: true}, nil
	}
	err := fmt.Errorf("the Dockerfile uses %s, which can't be verified, and base images are verified", source.Name)
	d.refuse(err)
	return builder.Decision{Reason: err.Error()}, nil
}

// Verified returns the images that were verified so far.
func (d *Decider) Verified() []Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Image(nil), d.verified...)
}

// Err returns the reason of the first refusal: a *signature.Error, an *UncoveredError,
// or what is wrong with the name. A builder's own error has only its text.
func (d *Decider) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

func (d *Decider) refuse(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
	}
}

// verify returns the digest of an image that a rule covers and its verifier accepts. A
// name always gets the digest that it got first.
func (d *Decider) verify(ctx context.Context, name string) (string, error) {
	reference, err := signature.ParseReference(name)
	if err != nil {
		return "", fmt.Errorf("the base image %s: %w", name, err)
	}
	digest, err, _ := d.flight.Do(reference.String(), func() (any, error) {
		return d.verifyOnce(ctx, reference)
	})
	if err != nil {
		return "", err
	}
	return digest.(string), nil
}

func (d *Decider) verifyOnce(ctx context.Context, reference signature.Reference) (string, error) {
	known, count := d.lookup(reference)
	if known != "" {
		return known, nil
	}
	if count == maxDecided {
		return "", fmt.Errorf("the build requests more than %d base images", maxDecided)
	}
	rule, err := ruleFor(dockerfile.Image{Name: reference.String()}, reference, d.rules)
	if err != nil {
		return "", err
	}
	verifier, err := d.verifiers.verifier(rule)
	if err != nil {
		return "", fmt.Errorf("the base image %s: %w", reference, err)
	}
	verified, err := verifier.Verify(ctx, signature.Request{Reference: reference, Access: d.access.of(reference.Repository, rule)})
	if err != nil {
		return "", err
	}
	image := Image{Verified: verified, Pinned: reference.Repository + "@" + verified.Digest}
	d.mu.Lock()
	d.verified = append(d.verified, image)
	d.mu.Unlock()
	if d.notice != nil {
		d.notice(image)
	}
	return verified.Digest, nil
}

// lookup returns the digest that a name has got, or "", and how many names have one.
func (d *Decider) lookup(reference signature.Reference) (digest string, count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, image := range d.verified {
		if image.Reference == reference {
			return image.Digest, len(d.verified)
		}
	}
	return "", len(d.verified)
}
