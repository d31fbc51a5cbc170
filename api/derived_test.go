package api

import (
	"testing"
	"time"
)

func TestImageTag(t *testing.T) {
	const commit = "ad52e76f00112233445566778899aabbccddeeff"
	if tag := (Parameters{ImageTagPrefix: "s390x-v1"}).ImageTag(commit); tag != "s390x-v1-ad52e76" {
		t.Error(tag)
	}
	if tag := (Parameters{}).ImageTag(commit); tag != "ad52e76" {
		t.Error(tag)
	}
}

func TestTimeLimits(t *testing.T) {
	limits := func(progress, build string) (p Parameters, err error) {
		body := good()
		body["PROGRESS_TIMEOUT"], body["BUILD_TIMEOUT"] = progress, build
		return parse(t, body)
	}
	for text, want := range map[string]time.Duration{"": 5 * time.Minute, "0": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "168h": 168 * time.Hour} {
		p, err := limits(text, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := p.ProgressTimeout(); got != want {
			t.Errorf("PROGRESS_TIMEOUT %q is %v, not %v", text, got, want)
		}
		if text == "" {
			want = 0
		}
		if got := p.BuildTimeout(); got != want {
			t.Errorf("BUILD_TIMEOUT %q is %v, not %v", text, got, want)
		}
	}
	for _, text := range []string{"5", "-1s", "1.5s", "1ms", "169h", "five minutes", "9999999999h"} {
		if _, err := limits("", text); err == nil {
			t.Errorf("BUILD_TIMEOUT %q was accepted", text)
		}
	}
}
