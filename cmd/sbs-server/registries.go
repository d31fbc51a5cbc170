package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/distribution/reference"
)

// registries are those that a laboratory treats otherwise than others.
type registries struct {
	mirrors  []string // of Docker Hub, URLs
	insecure []string // host[:port]: without TLS, or with a certificate that nobody vouches for
}

// readRegistries reads lists with commas between their entries.
func readRegistries(getenv func(string) string) (registries, error) {
	r := registries{mirrors: list(getenv(envMirrors)), insecure: list(getenv(envInsecure))}
	for _, mirror := range r.mirrors {
		address, err := url.Parse(mirror)
		if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" || address.User != nil || address.RawQuery != "" {
			return registries{}, fmt.Errorf("%s: an entry is not of the form https://HOST[:PORT]", envMirrors)
		}
	}
	for _, host := range r.insecure {
		named, err := reference.ParseNormalizedNamed(host + "/repository")
		if err != nil || reference.Domain(named) != host {
			return registries{}, fmt.Errorf("%s: %q is not the HOST[:PORT] of a registry, as images' names begin with it", envInsecure, host)
		}
	}
	return r, nil
}

func list(value string) []string {
	var entries []string
	for entry := range strings.SplitSeq(value, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}
