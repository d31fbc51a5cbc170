package pipeline

import "testing"

func TestCommandLine(t *testing.T) {
	got := commandLine("docker", "login", "--username", "<USERNAME>", "--password", "<PASSWORD>", "docker.io")
	if want := "docker login --username <USERNAME> --password <PASSWORD> docker.io"; got != want {
		t.Error(got)
	}
	got = commandLine("docker", "build", "--build-arg", "A=it's $HOME; b", "", ".")
	if want := `docker build --build-arg 'A=it'\''s $HOME; b' '' .`; got != want {
		t.Error(got)
	}
}
