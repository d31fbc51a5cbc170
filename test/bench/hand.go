// What the server does in a build, done by a sensible person with the usual
// tools, one after the other.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// byHand is everything that the server does and a person can do too. The
// repository's keys are made by the first push.
const byHand = `
git clone --quiet --depth 1 --branch main "$URL" git
tag=v1-$(git -C git rev-parse --short=7 HEAD)
"$DOCKER" build --quiet --no-cache $ARGUMENTS -t "$IMAGE:$tag" -t "$IMAGE:latest" git
DOCKER_CONTENT_TRUST=1 "$DOCKER" push --quiet "$IMAGE:$tag"
DOCKER_CONTENT_TRUST=1 "$DOCKER" push --quiet "$IMAGE:latest"
tar -cjf manifest.tbz git
openssl dgst -sha256 -binary manifest.tbz | openssl dgst -sha256 -sign key.pem -out manifest.sig`

// checkHand makes sure that the work by hand is the whole job: both tags carry a
// signature, and the manifest's is right.
const checkHand = `
tag=v1-$(git -C git rev-parse --short=7 HEAD)
"$DOCKER" trust inspect --pretty "$IMAGE" > signed
grep "^latest  *[0-9a-f]" signed
grep "^$tag  *[0-9a-f]" signed
openssl dgst -sha256 -binary manifest.tbz > digest
openssl dgst -sha256 -prverify key.pem -signature manifest.sig digest`

// afterHand makes room for the next time. The server does the same in its first
// step, which counts; by hand it does not.
const afterHand = `
images=$("$DOCKER" image ls --quiet --no-trunc "$IMAGE" | sort -u)
[ -z "$images" ] || "$DOCKER" image rm --force $images
rm -rf git manifest.tbz manifest.sig digest signed`

// hand is a person at work.
type hand struct{ program }

// byHand lets a person work on the repository of that name. arguments are the
// build's.
func (b *bench) byHand(ctx context.Context, env *environment, name string, arguments map[string]string) (hand, error) {
	dir := filepath.Join(env.dir, "hand")
	config := filepath.Join(dir, "docker")
	authority := filepath.Join(config, "tls", strings.TrimPrefix(env.Notary.URL(), "https://"))
	if err := os.MkdirAll(authority, 0o700); err != nil {
		return hand{}, err
	}
	if err := os.WriteFile(filepath.Join(authority, "ca.crt"), env.Notary.CABundle(), 0o600); err != nil {
		return hand{}, err
	}
	writer := env.Registry.Writer()
	account := base64.StdEncoding.EncodeToString([]byte(writer.User + ":" + writer.Password))
	text, err := json.Marshal(map[string]any{"auths": map[string]any{env.Registry.Address(): map[string]string{"auth": account}}})
	if err != nil {
		return hand{}, err
	}
	if err := os.WriteFile(filepath.Join(config, "config.json"), text, 0o600); err != nil {
		return hand{}, err
	}
	var words []string
	for key, value := range arguments {
		words = append(words, "--build-arg "+key+"="+value)
	}
	h := hand{program{dir: dir, environment: []string{
		"DOCKER=" + b.docker, "DOCKER_BUILDKIT=1", "DOCKER_CONFIG=" + config,
		"DOCKER_CONTENT_TRUST_SERVER=" + env.Notary.URL(),
		"DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE=by-hand-root", "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE=by-hand-repository",
		env.sshCommand(),
		"URL=" + env.Git.SSHURL(name+".git"), "IMAGE=" + env.Registry.Address() + "/sbs/" + name + "-by-hand",
		"ARGUMENTS=" + strings.Join(words, " "),
	}}}
	_, err = h.run(ctx, "openssl", "genrsa", "-out", "key.pem", "3072")
	return h, err
}

// work does the job once.
func (h hand) work(ctx context.Context) error {
	_, err := h.run(ctx, "sh", "-euc", byHand)
	return err
}

// check fails when work has left anything of the job out.
func (h hand) check(ctx context.Context) error {
	_, err := h.run(ctx, "sh", "-euc", checkHand)
	return err
}

// clear removes what work has made, when it was not finished too.
func (h hand) clear(ctx context.Context) error {
	_, err := h.run(context.WithoutCancel(ctx), "sh", "-euc", afterHand)
	return err
}

// sshCommand is the environment that lets git use the developer's SSH key.
func (env *environment) sshCommand() string {
	return "GIT_SSH_COMMAND=ssh -F none -o IdentitiesOnly=yes -i " + filepath.Join(env.Dir(), "git-key") +
		" -o UserKnownHostsFile=" + filepath.Join(env.Dir(), "known_hosts")
}
