//go:build stack

package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/client/signedmanifest"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/test/kit"
)

// allStatuses are the statuses of a successful build, in order.
var allStatuses = []string{api.StatusCleanedUp, api.StatusGitHubCloned, api.StatusImageBuilt, api.StatusImagePushed, api.StatusSuccess}

// logLine is the format of every line of a build log.
var logLine = regexp.MustCompile(`^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2},\d{3}  root       (INFO    |WARNING |ERROR   )\S.*$`)

// The commands of the guide, from the status of a new server to the verified manifest.
func TestGuide(t *testing.T) {
	env := fresh(t)
	if s := env.MustCLI(t, "status --env sbs-config.json"); compact(t, s.Out) != `{"status":""}` {
		t.Errorf("status before init: %s", s.Out)
	}
	for _, path := range []string{"/config-json", "/imagedigest"} {
		early := env.Request(t, http.MethodGet, path, `""`)
		if early.Code != http.StatusConflict && early.Code != http.StatusNotFound || early.MediaType() != "text/plain" || json.Valid([]byte(early.Text)) {
			t.Errorf("GET %s before the first success: %+v, want a refusal in plain text", path, early)
		}
	}
	if s := env.MustCLI(t, "init --env sbs-config.json"); compact(t, s.Out) != `{"status":"OK"}` {
		t.Errorf("init: %s", s.Out)
	}
	if early := env.Request(t, http.MethodGet, "/config-json", `""`); early.Code != http.StatusNotFound || early.MediaType() != "text/plain" {
		t.Errorf("GET /config-json after init: %+v, want a refusal in plain text", early)
	}
	if s := env.MustCLI(t, "build --env sbs-config.json"); compact(t, s.Out) != `{"status":"OK: async build started"}` {
		t.Errorf("build: %s", s.Out)
	}
	env.MustCLI(t, "status --env sbs-config.json --wait")

	log := strings.Split(strings.TrimSuffix(env.MustCLI(t, "log --log build --env sbs-config.json").Out, "\n"), "\n")
	checkLog(t, log)
	var status api.Status
	if err := json.Unmarshal([]byte(env.MustCLI(t, "status --env sbs-config.json").Out), &status); err != nil {
		t.Fatal(err)
	}
	record := env.fetchRecord(t, status)
	checkNames(t, status, record)
	checkRecord(t, env, record)
	checkReplies(t, env, status, record)
	env.NothingLeft(t, env.Image())
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var short bytes.Buffer
	if err := json.Compact(&short, []byte(text)); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return short.String()
}

func checkLog(t *testing.T, lines []string) {
	t.Helper()
	builds := 0
	for _, line := range lines {
		if !logLine.MatchString(line) {
			t.Errorf("line of the log: %q", line)
		}
		if strings.Contains(line, "  run: ") {
			builds++
		}
	}
	if builds == 0 || !strings.HasSuffix(lines[0], "starting a build") {
		t.Errorf("the log has %d lines of the build's own output, and begins with %q", builds, lines[0])
	}
}

// fetchRecord downloads the manifest with the guide's command and returns the signed
// record in it.
func (env *environment) fetchRecord(t *testing.T, status api.Status) job.Record {
	t.Helper()
	s := env.MustCLI(t, "get-manifest --env sbs-config.json --verify-manifest --verify-test")
	for _, want := range []string{"verify=OK", "verify test=OK"} {
		if !strings.Contains(s.Err, want) {
			t.Errorf("get-manifest does not print %q: %s", want, s.Err)
		}
	}
	name := manifest.Name(status.BuildName)
	text, err := os.ReadFile(filepath.Join(env.Dir(), name+"-public.pem"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := signedmanifest.ParsePublicKey(text)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(env.Dir(), name+".sig.tbz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	signed, summary, err := manifest.Verify(file, key)
	if err != nil || signed.Name != name {
		t.Fatalf("manifest %q: %v", signed.Name, err)
	}
	var record job.Record
	if err := json.Unmarshal(summary.Record, &record); err != nil {
		t.Fatal(err)
	}
	return record
}

// checkNames checks the formats of the image tag and the build name.
func checkNames(t *testing.T, status api.Status, record job.Record) {
	t.Helper()
	if want := "s390x-v1-" + record.Commit[:7]; status.ImageTag != want {
		t.Errorf("image_tag %q, want %q", status.ImageTag, want)
	}
	form := `^127\.0\.0\.1:\d+\.sbs\.demo\.` + status.ImageTag + `\.\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}\.\d{6}$`
	if !regexp.MustCompile(form).MatchString(status.BuildName) {
		t.Errorf("build_name %q, want the format %s", status.BuildName, form)
	}
	want := api.Status{
		BuildImageTag: "1.3.0.13", BuildName: status.BuildName, ImageTag: status.ImageTag, ManifestKeyGen: "soft_crypto",
		ManifestPublicKey: "manifest." + status.BuildName + "-public.pem", Status: "success", Enclave: "simulated",
	}
	if status != want {
		t.Errorf("status %+v, want %+v", status, want)
	}
}

// checkRecord checks the signed record.
func checkRecord(t *testing.T, env *environment, record job.Record) {
	t.Helper()
	head := kit.MustExecute(t, filepath.Join(env.GitRoot, "demo.git"), nil, "", "git", "rev-parse", "main").Out
	if record.Commit != strings.TrimSpace(head) {
		t.Errorf("commit %q, want %q", record.Commit, head)
	}
	inspect := kit.MustExecute(t, "", nil, "", "skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}",
		"--creds", env.Registry.Reader().User+":"+env.Registry.Reader().Password, "docker://"+env.BaseImage)
	base := []job.BaseImage{{Reference: env.BaseImage, Digest: strings.TrimSpace(inspect.Out)}}
	if !slices.Equal(record.BaseImages, base) {
		t.Errorf("base images %+v, want %+v", record.BaseImages, base)
	}
	for key := range record.Parameters {
		if isSecret(key) {
			t.Errorf("the record has the parameter %s", key)
		}
	}
	if record.Parameters["IMAGE_TAG_PREFIX"] != "s390x-v1" || record.Parameters["GITHUB_BRANCH"] != "main" {
		t.Errorf("parameters %v", record.Parameters)
	}
	for _, tool := range []string{"sbs-server", "go", "docker engine", "docker api", "builder", "platform"} {
		if record.Tools[tool] == "" {
			t.Errorf("the version of %s is missing in %v", tool, record.Tools)
		}
	}
	checkTimes(t, record)
}

// checkTimes checks that the steps were finished in their order.
func checkTimes(t *testing.T, record job.Record) {
	t.Helper()
	before := record.Started
	for _, status := range allStatuses[:len(allStatuses)-1] { // the last is not done while the manifest is written
		done, ok := record.Steps[status]
		if !ok || done.Before(before) {
			t.Errorf("%q was finished at %v, the step before at %v", status, done, before)
		}
		before = done
	}
	if record.Finished.Before(before) || time.Since(record.Finished) > time.Hour {
		t.Errorf("the build finished at %v", record.Finished)
	}
}

// checkReplies checks the other requests that are served after a success.
func checkReplies(t *testing.T, env *environment, status api.Status, record job.Record) {
	t.Helper()
	image := env.Image()
	digest := env.Request(t, http.MethodGet, "/imagedigest", `""`)
	if digest.Code != http.StatusCreated || strings.TrimSpace(digest.Text) != `"`+image+"@"+record.ImageDigest+`"` {
		t.Errorf("imagedigest: %+v, want the digest %s", digest, record.ImageDigest)
	}
	if s := env.MustCLI(t, "get-digest --env sbs-config.json"); s.Out != "Digest value of the built image: "+image+"@"+record.ImageDigest+"\n" {
		t.Errorf("get-digest: %q", s.Out)
	}
	config := env.Request(t, http.MethodGet, "/config-json", `""`)
	var deployment api.ImageConfig
	if err := json.Unmarshal([]byte(config.Text), &deployment); err != nil || config.Code != http.StatusCreated {
		t.Fatalf("config-json: %+v, %v", config, err)
	}
	reader := env.Registry.Reader()
	if deployment.RepositoryName != image || deployment.DockerUsername != reader.User || string(deployment.DockerPassword) != reader.Password ||
		!slices.Equal(deployment.EnvsWhitelist, []string{"LANG", "TZ"}) || deployment.PublicKeyID != record.Signatures[0].PublicKeyID {
		t.Errorf("config-json: %+v", deployment)
	}
	env.MustCLI(t, "get-signed-image-publickey --env sbs-config.json")
	key, err := os.ReadFile(filepath.Join(env.Dir(), strings.ReplaceAll(image, "/", "-")+"-public.key"))
	if err != nil || string(key) != deployment.PublicKey || len(key) == 0 {
		t.Errorf("get-signed-image-publickey wrote %q, %v, want %q", key, err, deployment.PublicKey)
	}
	keys := map[string]string{}
	for _, body := range []string{`""`, `{}`, `{"BUILD_NAME":"` + status.BuildName + `"}`} {
		keys[env.Request(t, http.MethodGet, "/publickey", body).Text] = body
	}
	reply, err := env.Client.PublicKey(t.Context(), status.BuildName)
	if err != nil || len(keys) != 1 || reply.BuildName != status.BuildName {
		t.Errorf("publickey: %v, and %d replies for the same build: %v", err, len(keys), slices.Collect(maps.Keys(keys)))
	}
}
