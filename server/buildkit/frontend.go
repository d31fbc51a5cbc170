package buildkit

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/opensbs/sbs/server/builder"
)

// epochArg is the argument from which tools that a step runs read the time to use, see
// https://reproducible-builds.org/specs/source-date-epoch/.
const epochArg = "SOURCE_DATE_EPOCH"

// syntaxArg is the argument that names a frontend as the line "# syntax=" does, and
// before it.
const syntaxArg = "BUILDKIT_SYNTAX"

// ownFrontend is the repository of the frontend that is built into BuildKit.
const ownFrontend = "docker.io/docker/dockerfile"

// frontendAttrs are the parameters of BuildKit's Dockerfile frontend, see
// https://docs.docker.com/build/buildkit/frontend/. A SOURCE_DATE_EPOCH of the request
// reaches the steps instead of the commit's time; the times of the image stay those of
// the commit, because the exporter has its own. The namespace of the cache mounts comes
// last: an argument of the request may not choose an old one.
func frontendAttrs(request builder.Request) (map[string]string, error) {
	attrs := map[string]string{
		"filename":              filepath.Base(request.Dockerfile),
		"no-cache":              "",
		"build-arg:" + epochArg: strconv.FormatInt(request.Committed.Unix(), 10),
	}
	for name, value := range request.Args {
		attrs["build-arg:"+name] = value
	}
	attrs["build-arg:BUILDKIT_CACHE_MOUNT_NS"] = rand.Text()
	asked, err := frontendOf(request)
	if err != nil {
		return nil, err
	}
	if isOwnFrontend(asked) {
		// The built-in frontend takes this to mean that it is the one that was asked for.
		attrs["cmdline"] = asked
	}
	return attrs, nil
}

// frontendOf returns the frontend that a Dockerfile asks for, or "".
func frontendOf(request builder.Request) (string, error) {
	if asked, ok := request.Args[syntaxArg]; ok {
		asked, _, _ = strings.Cut(strings.TrimSpace(asked), " ")
		return asked, nil
	}
	text, err := os.ReadFile(request.Dockerfile) // its size was checked
	if err != nil {
		return "", fmt.Errorf("read the Dockerfile: %w", err)
	}
	asked, _, _, _ := parser.DetectSyntax(text)
	return asked, nil
}

// isOwnFrontend reports whether a frontend is Docker's, in any version. Then the one that
// is built into BuildKit is used: it is of the same source, it is the same in each build,
// and nothing is fetched or run to read a Dockerfile.
func isOwnFrontend(asked string) bool {
	named, err := reference.ParseNormalizedNamed(asked)
	return err == nil && named.Name() == ownFrontend
}
