//go:build stack

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/gate"
)

// attack is a build that must fail because of one image.
type attack struct {
	name       string
	dockerfile string
	changes    map[string]any
	image      string // must be in the cause
	reason     string // part of the cause
	command    string // prefix of the failed command; empty means docker build
}

func (env *environment) checkAttacks(t *testing.T, attacks []attack) {
	t.Helper()
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			name := "attack-" + strings.ReplaceAll(strings.ToLower(a.name), " ", "-")
			env.prepare(t, name, files{"Dockerfile": a.dockerfile}, a.changes)
			built := env.Build(t)
			if a.command == "" {
				a.command = "docker build"
			}
			if !strings.HasPrefix(built.Status.Status, api.FailureStatus(a.command)) {
				t.Errorf("the build ended with %q, want that %s failed", built.Status.Status, a.command)
			}
			if !strings.Contains(built.Cause, a.image) || !strings.Contains(built.Cause, a.reason) || !strings.Contains(built.Log(), built.Cause) {
				t.Errorf("the cause %q does not contain %q and %q, or the log does not contain the cause", built.Cause, a.image, a.reason)
			}
			if record := env.record(t); record.ImageDigest != "" || len(record.BaseImages) != 0 {
				t.Errorf("the record has the image %s on %+v", record.ImageDigest, record.BaseImages)
			}
			env.NothingLeft(t, env.ImageOf(name))
		})
	}
}

func policy(rules ...map[string]any) map[string]any {
	return map[string]any{"BASE_IMAGE_POLICY": rules}
}

// Images without a signature that satisfies the policy, for each method.
func TestUnverifiedBasesFailTheBuild(t *testing.T) {
	env := shared
	v, other := env.newVendor(t), env.newVendor(t)
	sigstore := map[string]any{"image": "**", "method": "sigstore", "key": v.pem}
	simple := map[string]any{"image": "**", "method": "simple", "key": v.pgp, "lookaside": v.lookaside}
	notary := "https://" + env.Gates.Notary.Address()

	plain, moved, copied := v.image("attack/plain:1"), v.image("attack/moved:1"), v.image("attack/copied:1")
	v.push(t, plain, "plain")
	v.push(t, moved, "first")
	v.signSigstore(t, moved)
	v.signSimple(t, moved)
	signature := v.signatureFile(t, moved)
	// The same image in another repository, and the signature copied to it.
	v.push(t, copied, "first")
	if err := os.Mkdir(filepath.Dir(v.signatureFile(t, copied)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(signature, v.signatureFile(t, copied)); err != nil {
		t.Fatal(err)
	}
	trusted := v.image("attack/trusted:1")
	v.push(t, trusted, "trusted")
	_, root := v.signDCT(t, trusted)
	v.push(t, v.image("attack/trusted:2"), "unsigned")
	reviewed := v.digest(t, moved)
	v.push(t, moved, "second")
	closed, err := gate.New("tcp", "", env.Notary.URL())
	if err == nil {
		err = closed.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	dct := func(key string) map[string]any {
		return policy(map[string]any{"image": "**", "method": "dct", "server": notary, "key": key})
	}
	sigstoreOf, simpleOf := map[string]any{"image": "**", "method": "sigstore", "key": other.pem}, map[string]any{"image": "**", "method": "simple", "key": other.pgp, "lookaside": v.lookaside}

	env.checkAttacks(t, []attack{
		{"unsigned sigstore", "FROM " + plain + "\n", policy(sigstore), plain, "it is not signed", "cosign verify --key <KEY> " + plain},
		{"unsigned simple", "FROM " + plain + "\n", policy(simple), plain, "it is not signed", "skopeo standalone-verify"},
		{"unsigned repository dct", "FROM " + plain + "\n", dct(""), plain, "it is not signed", "docker trust inspect " + plain},
		{"unsigned tag dct", "FROM " + v.image("attack/trusted:2") + "\n", dct(root), v.image("attack/trusted:2"), "it is not signed", "docker trust inspect"},
		{"tag moved after signing sigstore", "FROM " + moved + "\n", policy(sigstore), moved, "it is not signed", "cosign verify"},
		{"tag moved after signing simple", "FROM " + moved + "\n", policy(simple), moved, "it is not signed", "skopeo standalone-verify"},
		{"tag moved after review", "FROM " + moved + "\n", policy(map[string]any{"image": "**", "method": "digest", "key": reviewed}), moved, "none of the digests that its rule allows", "docker manifest inspect"},
		{"another repository", "FROM " + copied + "\n", policy(simple), copied, "it is signed under another name, \"" + moved, "skopeo standalone-verify"},
		{"another key sigstore", "FROM " + moved + "@" + reviewed + "\n", policy(sigstoreOf), moved, "the tag was moved", "cosign verify"},
		{"another key simple", "FROM " + strings.TrimSuffix(moved, ":1") + "@" + reviewed + "\n", policy(simpleOf), reviewed, "not with the key " + other.fingerprint, "skopeo standalone-verify"},
		{"another key sigstore by digest", "FROM " + strings.TrimSuffix(moved, ":1") + "@" + reviewed + "\n", policy(sigstoreOf), reviewed, "not with the key", "cosign verify"},
		{"another root dct", "FROM " + trusted + "\n", dct(strings.Repeat("0a", 32)), trusted, "rooted in another key (" + root, "docker trust inspect"},
		{"unreachable notary server", "FROM " + trusted + "\n", policy(map[string]any{"image": "**", "method": "dct", "server": "https://" + closed.Address()}), trusted, "cannot reach " + closed.Address(), "docker trust inspect " + trusted},
		{"impostor of a notary server", "FROM " + trusted + "\n", policy(map[string]any{"image": "**", "method": "dct", "server": impostor(t)}), trusted, "certificate", "docker trust inspect"},
		{"no password", "FROM " + plain + "\n", with(policy(sigstore), "DOCKER_BASE_SERVER", nil, "DOCKER_BASE_USER", nil, "DOCKER_BASE_PASSWORD", nil), plain, "HTTP status 401", "cosign verify"},
		{"no such image", "FROM " + v.image("attack/none:1") + "\n", policy(sigstore), v.image("attack/none:1"), "the registry has no such image", "cosign verify"},
	})
}

// with adds keys and values, in turn, to changes and returns them.
func with(changes map[string]any, more ...any) map[string]any {
	for i := 0; i < len(more); i += 2 {
		changes[more[i].(string)] = more[i+1]
	}
	return changes
}

// Images that enter a build other than by a plain FROM, or that no rule covers.
func TestSmuggledBasesFailTheBuild(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	good, evil, trigger := v.image("smuggle/good:1"), v.image("evil/image:1"), v.image("smuggle/trigger:1")
	splitTrigger, flagTrigger := v.image("smuggle/split:1"), v.image("smuggle/flag:1")
	digest := v.push(t, good, "good")
	v.push(t, evil, "evil")
	v.push(t, splitTrigger, "split", "RUN [\"/probe\"] <\\\n<\"END\"\nCOPY --from="+evil+" /vendor /evil\nEND")
	v.push(t, flagTrigger, "flag", "# escape=`\nCOPY --chown=0` --from="+evil+" /vendor /evil")
	v.signSigstore(t, splitTrigger)
	v.signSigstore(t, flagTrigger)
	v.push(t, trigger, "trigger", "COPY --from="+evil+" /vendor /evil")
	v.signSigstore(t, good)
	v.signSigstore(t, trigger)
	rules := policy(map[string]any{"image": env.Registry.Address() + "/smuggle/*", "method": "sigstore", "key": v.pem})
	uncovered := "no rule covers it"
	args := func(name, value string) map[string]any {
		return with(policy(rules["BASE_IMAGE_POLICY"].([]map[string]any)...), "ARG", map[string]string{name: value})
	}
	env.checkAttacks(t, []attack{
		{"uncovered", "FROM " + evil + "\n", rules, evil, uncovered, ""},
		{"uncovered in a stage that is not built", "FROM " + evil + " AS none\nFROM " + good + "\n", rules, evil, uncovered, ""},
		{"uncovered copy", "FROM " + good + "\nCOPY --from=" + evil + " /vendor /evil\n", rules, evil, uncovered, ""},
		{"uncovered mount", "FROM " + good + "\nRUN --mount=from=" + evil + ",target=/evil cat /evil/vendor\n", rules, evil, uncovered, ""},
		{"argument", "ARG BASE=" + good + "\nFROM $BASE\n", args("BASE", evil), evil, uncovered, ""},
		{"argument within a name", "ARG HOST=" + env.Registry.Address() + "\nFROM ${HOST}${NONE:-/evil}/image:1\n", rules, evil, uncovered, ""},
		{"platform argument", "FROM " + good + "$TARGETARCH\n", args("TARGETARCH", "@sha256:"+strings.Repeat("0a", 32)), good, "the name leads to " + digest, "cosign verify"},
		{"syntax", "# syntax=" + evil + "\nFROM " + good + "\n", rules, evil, uncovered, ""},
		{"syntax that is signed but not pinned", "# syntax=" + good + "\nFROM " + good + "\n", rules, good, "must be named by its digest there: " + strings.TrimSuffix(good, ":1") + "@" + digest, ""},
		{"syntax after a line that only old builders skip", "# any=thing\n# syntax=" + evil + "\nFROM " + good + "\n", rules, evil, uncovered, ""},
		{"syntax argument", "FROM " + good + "\n", args("BUILDKIT_SYNTAX", evil), evil, uncovered, ""},
		{"scanner argument", "FROM " + good + "\n", args("BUILDKIT_ATTEST_SBOM", "generator="+evil), "BUILDKIT_ATTEST_SBOM", "images that nobody verified", ""},
		{"copy in a here-document", "FROM " + good + "\nRUN <<\"RUN ls\"\nCOPY --from=" + evil + " /vendor /evil\nRUN ls\n", rules, evil, "here-document", ""},
		{"from in a here-document", "FROM " + good + "\nRUN <<\"RUN ls\"\nFROM " + evil + "\nRUN ls\n", rules, evil, "here-document", ""},
		{"flag that ends early for old builders only", "# escape=`\nFROM " + good + "\nCOPY --chown=0` --from=" + evil + " /vendor /evil\n", rules, "line 1", "escape directive", ""},
		{"split here-document", "FROM " + good + "\nRUN [\"/probe\"] <\\\n<\"COPY passwd /p\"\nFROM " + evil + "\nCOPY passwd /p\n", rules, "line 2", "here-document", ""},
		{"line that ends early for old builders only", "FROM " + good + "\nRUN echo \\\r\r\nCOPY --from=" + evil + " /vendor /evil\n", rules, "line 2", "control character 0x0d", ""},
		{"escape that only new builders obey", "# check=skip=all\n# escape=`\nFROM " + good + "\nRUN echo \\\nCOPY --from=" + evil + " /vendor /evil\n", rules, "line 2", "escape directive", ""},
		{"trigger of a base", "FROM " + trigger + "\n", rules, trigger, "has the trigger \"ONBUILD COPY --from=" + evil, ""},
		{"split here-document in a trigger of a base", "FROM " + splitTrigger + "\n", rules, splitTrigger, "here-document", ""},
		{"flag in a trigger of a base that ends early for old builders only", "FROM " + flagTrigger + "\n", rules, flagTrigger, "escape directive", ""},
		{"flag in a trigger of a stage that ends early for old builders only", "# escape=`\nFROM " + good + " AS first\nONBUILD COPY --chown=0` --from=" + evil + " /vendor /evil\nFROM first\n", rules, "line 1", "escape directive", ""},
		{"trigger of a stage", "FROM " + good + " AS first\nONBUILD COPY --from=" + evil + " /vendor /evil\nFROM first\n", rules, evil, uncovered, ""},
		{"a number without a stage", "FROM " + good + "\nFROM 0\n", rules, "\"0\"", uncovered, ""},
		{"short name", "FROM image:1\n", rules, "image:1", uncovered, ""},
	})
}
