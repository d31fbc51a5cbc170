package baseimage

import (
	"context"
	"fmt"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/signature"
)

// Verifier verifies images with one method and one key.
type Verifier interface {
	Verify(ctx context.Context, request signature.Request) (signature.Verified, error)
}

// Verifiers has a function for each method of a rule. It returns the verifier of the
// rule, or an error that names what is wrong with its key.
type Verifiers map[string]func(rule api.BaseRule) (Verifier, error)

// Check returns an *api.ParameterError for a rule whose key or server is invalid.
func (v Verifiers) Check(rules []api.BaseRule) error {
	for _, rule := range rules {
		if _, err := v.verifier(rule); err != nil {
			return &api.ParameterError{Key: rule.Parameter, Problem: fmt.Sprintf("the rule for %s (%s): %v", rule.Image, rule.Method, err)}
		}
	}
	return nil
}

func (v Verifiers) verifier(rule api.BaseRule) (Verifier, error) {
	verify, ok := v[rule.Method]
	if !ok {
		return nil, fmt.Errorf("this server can't verify with %q", rule.Method)
	}
	return verify(rule)
}

// Request has a Dockerfile and the rules for its base images.
type Request struct {
	Dockerfile  []byte
	Environment dockerfile.Environment
	Rules       []api.BaseRule
	Access      Access
	// Triggers reads ONBUILD triggers, in a process of its own.
	Triggers func(ctx context.Context, triggers []string) ([]dockerfile.TriggerImages, error)
	// Verified is called for each image as soon as it is verified; it may be nil.
	Verified func(Image)
}

// Image is a verified base image.
type Image struct {
	signature.Verified
	// Pinned is the image as the pinned Dockerfile names it: full name and digest.
	Pinned string
}

// Pinned is a Dockerfile that names verified images only.
type Pinned struct {
	Dockerfile []byte
	Images     []Image // each once, in the order of the Dockerfile
}

// UncoveredError is an image that no rule covers.
type UncoveredError struct{ Image dockerfile.Image }

func (e *UncoveredError) Error() string {
	return fmt.Sprintf("the base image %s: no rule covers it, and base images are verified: add one for it to BASE_IMAGE_POLICY, or take another image", e.Image)
}

// Pin verifies every image from outside and pins the Dockerfile to what was verified.
// All rules are found before any request is sent. The error of an image that is
// rejected is a *signature.Error, an *UncoveredError or a *TriggerError; that of a
// Dockerfile that can't be pinned names the line.
func (v Verifiers) Pin(ctx context.Context, request Request) (Pinned, error) {
	file, err := dockerfile.Parse(request.Dockerfile, request.Environment)
	if err != nil {
		return Pinned{}, fmt.Errorf("read the Dockerfile for its base images: %w", err)
	}
	wanted, err := v.covered(file.Images(), request.Rules)
	if err != nil {
		return Pinned{}, err
	}
	var (
		result Pinned
		pinned = map[string]string{}              // by the names in the Dockerfile
		known  = map[signature.Reference]string{} // the same, by full names
	)
	for _, image := range wanted {
		if reference, ok := known[image.reference]; ok {
			pinned[image.Name] = reference
			continue
		}
		verified, err := image.verifier.Verify(ctx, signature.Request{Reference: image.reference, Access: request.Access.of(image.reference.Repository, image.rule)})
		if err != nil {
			return Pinned{}, err
		}
		one := Image{Verified: verified, Pinned: image.reference.Repository + "@" + verified.Digest}
		pinned[image.Name], known[image.reference] = one.Pinned, one.Pinned
		result.Images = append(result.Images, one)
		if request.Verified != nil {
			request.Verified(one)
		}
	}
	if result.Dockerfile, err = file.Pin(pinned); err != nil {
		return Pinned{}, fmt.Errorf("pin the base images of the Dockerfile: %w", err)
	}
	return result, checkTriggers(ctx, wanted, pinned, request)
}

// wanted is an image and the rule that covers it.
type wanted struct {
	dockerfile.Image
	reference signature.Reference
	rule      api.BaseRule
	verifier  Verifier
}

func (v Verifiers) covered(images []dockerfile.Image, rules []api.BaseRule) ([]wanted, error) {
	var all []wanted
	for _, image := range images {
		reference, err := signature.ParseReference(image.Name)
		if err != nil {
			return nil, fmt.Errorf("the base image %s: %w", image, err)
		}
		one := wanted{Image: image, reference: reference}
		if one.rule, err = ruleFor(image, reference, rules); err != nil {
			return nil, err
		}
		if one.verifier, err = v.verifier(one.rule); err != nil {
			return nil, fmt.Errorf("the base image %s: %w", image, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// ruleFor returns the first rule that covers the image.
func ruleFor(image dockerfile.Image, reference signature.Reference, rules []api.BaseRule) (api.BaseRule, error) {
	for _, rule := range rules {
		if rule.Covers(reference.Repository, reference.Tag) {
			return rule, nil
		}
	}
	return api.BaseRule{}, &UncoveredError{Image: image}
}
