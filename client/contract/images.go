package contract

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/advice"
)

// Images is the images section for one image.
type Images struct {
	name   string // host/namespace/name[:tag]
	dct    *api.ImageSignature
	rhs    *api.ImageSignature
	notary string
}

// IBM's rules for the names in the images section.
const minTag = 3 // characters

var (
	// dottedHost has a dot and no port.
	dottedHost = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
	tagName    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
)

// ImagesSection is the images section for the image that config describes. tag is empty,
// or restricts simple signing to that tag. notary is the notary server as it
// is in DOCKER_CONTENT_TRUST_PUSH_SERVER, for an image that is signed with
// Docker Content Trust. An image that a contract can't name, or whose signatures
// it does not take, is an error with advice.
func ImagesSection(config api.ImageConfig, notary, tag string) (Images, error) {
	images := Images{name: config.RepositoryName, notary: notary}
	if err := checkName(config.RepositoryName, tag); err != nil {
		return Images{}, err
	}
	images.dct = find(config, api.SigningDCT)
	images.rhs = find(config, api.SigningSimple)
	if images.dct == nil && images.rhs == nil {
		return Images{}, advice.New(errors.New("the image has no signature that a contract takes"), "put dct or simple into IMAGE_SIGNING, update and build again")
	}
	if tag != "" {
		if images.rhs == nil {
			return Images{}, advice.New(errors.New("a tag belongs to simple signing, with which the image is not signed"), "leave the tag out")
		}
		images.dct = nil // its names have no tag
		images.name += ":" + tag
	}
	if images.dct != nil && notary == "" {
		return Images{}, advice.New(errors.New("the image is signed on a notary server that the configuration does not name"), "set DOCKER_CONTENT_TRUST_PUSH_SERVER to the one it was built with")
	}
	return images, nil
}

func find(config api.ImageConfig, method string) *api.ImageSignature {
	i := slices.IndexFunc(config.Signatures, func(s api.ImageSignature) bool { return s.Method == method })
	if i < 0 {
		return nil
	}
	return &config.Signatures[i]
}

func checkName(repository, tag string) error {
	host, path, _ := strings.Cut(repository, "/")
	const elsewhere = "push to a registry with such a name: DOCKER_PUSH_SERVER"
	switch {
	case strings.Contains(host, ":"):
		return advice.New(fmt.Errorf("a contract can't name %s: its registry %s has a port, and a contract allows none", repository, host), elsewhere)
	case !dottedHost.MatchString(host):
		return advice.New(fmt.Errorf("a contract can't name %s: its registry %s is no host name with a dot", repository, host), elsewhere)
	case !strings.Contains(path, "/"):
		return advice.New(fmt.Errorf("a contract can't name %s: it has no namespace", repository), "name the image namespace/name in DOCKER_REPO")
	case tag != "" && len(tag) < minTag:
		return advice.New(fmt.Errorf("a contract can't name the tag %s: it is shorter than %d characters", tag, minTag), "name a longer one, or none for all tags")
	case tag != "" && !tagName.MatchString(tag):
		return advice.New(fmt.Errorf("%q is no tag", tag), "name one that the image was pushed with")
	}
	return nil
}

// YAML is the images section, to be put into the workload section of the
// contract.
func (i Images) YAML() string {
	var text strings.Builder
	text.WriteString("images:\n")
	if i.dct != nil {
		fmt.Fprintf(&text, "  dct:\n    %s:\n      notary: %q\n      publicKey: %q\n", i.name, notaryURL(i.notary), i.dct.Key)
	}
	if i.rhs != nil {
		// The name may have a colon, so it is quoted.
		fmt.Fprintf(&text, "  rhs:\n    %q:\n      publicKey: %q\n", i.name, base64.StdEncoding.EncodeToString([]byte(i.rhs.Key)))
	}
	return text.String()
}

// notaryURL is the server as a contract takes it: a URL.
func notaryURL(server string) string {
	if strings.Contains(server, "://") {
		return server
	}
	return "https://" + server
}
