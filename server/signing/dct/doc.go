// Package dct signs image tags with Docker Content Trust: it publishes trust
// data (TUF metadata) for a repository on a notary server, such that
// `DOCKER_CONTENT_TRUST=1 docker pull` accepts the tags and nothing else.
//
// # Keys
//
// There is one root key for everything a key store signs, as with the docker
// command, and a targets and a snapshot key for each repository (GUN); all are
// ECDSA P-256, made at first use and sealed (Keys) before anything they sign
// leaves the process. The timestamp key is the notary server's.
//
// # Which id is which
//
// A root key has two ids. Its public_key_id, as returned in trust.PublicKey,
// is the one root.json uses: the TUF id of the X.509 certificate that carries
// the key for one GUN (the entry of signed.keys that signed.roles.root.keyids
// names), and the "Root Key" that `docker trust inspect` prints. The other is
// the id of the bare key: the name of its sealed entry, the same for all GUNs,
// never returned. The "Repository Key" of `docker trust inspect` is the
// targets key. The returned Key is the "public" value of the root key in
// root.json: base64 of the PEM certificate.
//
// # What it trusts
//
// The sealed store, and nothing of the notary server that is not signed down from
// the root key in it. Besides the keys it keeps, for each server and GUN which root
// it published and the highest versions it saw. A repository whose root is not ours
// (ForeignRootError), that is gone (LostError) or that went back in time
// (RolledBackError) is refused and left untouched; only Signer.Forget, an
// operator's decision, lets go of the memory. A repository without a stored state
// whose root is signed with our root key is taken up again: so a crash between
// publishing and remembering, or an imported key store, goes on where it was.
//
// A signature that changes a tag renews targets and snapshot for three years;
// the library renews root, which holds for ten, when less than half a year of
// it is left. Trust data that nobody signed for longer has expired
// (ExpiredError) and can only be made again: deleted on the server, forgotten
// here.
//
// After publishing, the trust data is fetched again and read as a verifier
// reads it; Sign succeeds only if every tag leads to the image's digest.
//
// # What never happens
//
// No key or metadata is written to disk here. No password, token or key gets
// into an error, a progress line or a log. Credentials never travel over plain
// HTTP except to loopback. Docker's own notary is never contacted. A request
// is tried once, within bounds of time and size, and none outlives Sign.
package dct
