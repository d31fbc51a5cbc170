package api

import (
	"regexp"
	"slices"
	"strings"
)

// imagePattern is which images a BaseRule is for:
//
//	pattern = "**" | host { "/" part } [ "/**" ] [ ":" tag ]
//	host    = "*" | a registry's host[:port], docker.io for Docker Hub
//	part    = "*" | a component of a repository's name
//
// The name is written out in full (docker.io/library/alpine). "*" matches
// one whole part, "**" at the end for one or more. Without a tag every tag is
// meant, and a name with a digest alone; with one, this tag only.
type imagePattern struct {
	parts []string
	rest  bool // a trailing **
	tag   string
}

var (
	namePart = regexp.MustCompile(`^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$`)
	imageTag = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
)

// parsePattern returns the problem in words, or "".
func parsePattern(text string) (imagePattern, string) {
	var p imagePattern
	if len(text) > 512 {
		return p, "is longer than 512 characters"
	}
	name := text
	if colon := strings.LastIndexByte(text, ':'); colon > strings.LastIndexByte(text, '/') && colon > 0 {
		name, p.tag = text[:colon], text[colon+1:]
		if !imageTag.MatchString(p.tag) {
			return p, quoted(text) + " has no valid tag; a digest goes into a rule of the method digest"
		}
	}
	p.parts = strings.Split(name, "/")
	if last := len(p.parts) - 1; p.parts[last] == "**" {
		p.parts, p.rest = p.parts[:last], true
	}
	if len(p.parts) == 0 {
		return p, ""
	}
	if problem := p.hostProblem(text); problem != "" {
		return p, problem
	}
	for _, part := range p.parts[1:] {
		if part != "*" && !namePart.MatchString(part) {
			return p, quoted(text) + " is not an image name with * for whole parts of it"
		}
	}
	return p, ""
}

// hostProblem makes sure that the first part is a host: a name that leaves it out
// would be parsed as one of Docker Hub by some readers and not by others.
func (p *imagePattern) hostProblem(text string) string {
	host := p.parts[0]
	switch {
	case host == "*":
		return ""
	case !strings.ContainsAny(host, ".:") && host != "localhost":
		return quoted(text) + " is not a full name: begin it with the registry, such as docker.io/library/alpine or us.icr.io/namespace/name"
	case hostAndPort(host) != "":
		return quoted(text) + ": " + hostAndPort(host)
	}
	p.parts[0] = orDockerHub(host)
	if p.parts[0] == DockerHub && len(p.parts) == 2 && !p.rest {
		return quoted(text) + " is not a full name: official images of Docker Hub are docker.io/library/name"
	}
	if len(p.parts) == 1 && !p.rest {
		return quoted(text) + " names a registry and no image: add /** for all of its images"
	}
	return ""
}

func (p imagePattern) matches(repository, tag string) bool {
	return (p.tag == "" || p.tag == tag) && p.holds(strings.Split(repository, "/"), false)
}

// holds compares part by part; open means that more parts may follow.
func (p imagePattern) holds(parts []string, open bool) bool {
	if p.rest && (open && len(parts) >= len(p.parts) || len(parts) > len(p.parts)) {
		parts = parts[:len(p.parts)]
	} else if p.rest || open || len(parts) != len(p.parts) {
		return false
	}
	return slices.EqualFunc(p.parts, parts, func(want, part string) bool { return want == "*" || want == part })
}

// hides reports whether r covers every image that other covers.
func (r BaseRule) hides(other BaseRule) bool {
	wide, problem := parsePattern(r.Image)
	narrow, otherProblem := parsePattern(other.Image)
	return problem == "" && otherProblem == "" &&
		(wide.tag == "" || wide.tag == narrow.tag) && wide.holds(narrow.parts, narrow.rest)
}
