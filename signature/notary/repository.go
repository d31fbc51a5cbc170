package notary

// Loading and verifying the trust data of one GUN on one server.

import (
	"context"
	"errors"
	"net/url"

	"github.com/theupdateframework/notary/client"
	"github.com/theupdateframework/notary/storage"
	"github.com/theupdateframework/notary/trustpinning"
	"github.com/theupdateframework/notary/tuf"
	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/signed"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/httpclient"
)

// Releases is the delegation that verifiers read before the targets role.
const Releases data.RoleName = "targets/releases"

// Repository is the trust data of one GUN on one server. Close it.
type Repository struct {
	Address *url.URL
	GUN     data.GUN
	Remote  storage.RemoteStore

	transport *httpclient.Transport
}

// Open connects to the server for the GUN, with the credentials for actions:
// "pull", and also "push" for signers. ctx bounds every later use of the repository
// too. Explain classifies its errors.
func Open(ctx context.Context, address *url.URL, gun string, access signature.Access, actions ...string) (*Repository, error) {
	transport, err := httpclient.NewTrusting(access.CABundle)
	if err != nil {
		return nil, err
	}
	channel, err := authorized(bounded(ctx, transport, access.Progress), address, gun, credentials{access.User, string(access.Password)}, actions)
	if err == nil {
		var remote storage.RemoteStore
		if remote, err = storage.NewNotaryServerStore(address.String(), data.GUN(gun), channel); err == nil {
			return &Repository{address, data.GUN(gun), remote, transport}, nil
		}
	}
	transport.CloseIdleConnections()
	return nil, err
}

// Close closes the idle connections.
func (r *Repository) Close() { r.transport.CloseIdleConnections() }

// Load returns the server's trust data after verifying it from the pinned roots. It
// reads cache before the server; it signs nothing with the keys of crypto.
func (r *Repository) Load(pinned trustpinning.TrustPinConfig, cache storage.MetadataStore, crypto signed.CryptoService) (*tuf.Repo, error) {
	loaded, _, err := client.LoadTUFRepo(client.TUFLoadOptions{
		GUN:                    r.GUN,
		TrustPinning:           pinned,
		CryptoService:          crypto,
		Cache:                  cache,
		RemoteStore:            r.Remote,
		AlwaysCheckInitialized: true,
	})
	return loaded, err
}

// Pinned returns a configuration that accepts only these roots (RootKey.ID) and does
// not trust on first use.
func (r *Repository) Pinned(roots ...string) trustpinning.TrustPinConfig {
	return trustpinning.TrustPinConfig{
		Certs:       map[string][]string{r.GUN.String(): roots},
		DisableTOFU: true,
	}
}

// Versions are the version numbers of the four files of TUF.
type Versions struct {
	Root      int `json:"root"`
	Targets   int `json:"targets"`
	Snapshot  int `json:"snapshot"`
	Timestamp int `json:"timestamp"`
}

// VersionsOf returns the versions of loaded trust data. It returns an error for a
// snapshot without a targets file, which the library does not check.
func VersionsOf(loaded *tuf.Repo) (Versions, error) {
	targets, ok := loaded.Targets[data.CanonicalTargetsRole]
	if !ok {
		return Versions{}, errors.New("the trust data has no targets file")
	}
	return Versions{
		Root:      loaded.Root.Signed.Version,
		Targets:   targets.Signed.Version,
		Snapshot:  loaded.Snapshot.Signed.Version,
		Timestamp: loaded.Timestamp.Signed.Version,
	}, nil
}

// Highest returns the higher version of each file.
func (seen Versions) Highest(other Versions) Versions {
	return Versions{
		Root:      max(seen.Root, other.Root),
		Targets:   max(seen.Targets, other.Targets),
		Snapshot:  max(seen.Snapshot, other.Snapshot),
		Timestamp: max(seen.Timestamp, other.Timestamp),
	}
}

// WentBack returns an error when one of the files has a lower version now than was
// seen before, and otherwise nil.
func (seen Versions) WentBack(now Versions) *signature.RolledBackError {
	for _, file := range []signature.RolledBackError{
		{Role: "root", Seen: seen.Root, Got: now.Root},
		{Role: "targets", Seen: seen.Targets, Got: now.Targets},
		{Role: "snapshot", Seen: seen.Snapshot, Got: now.Snapshot},
		{Role: "timestamp", Seen: seen.Timestamp, Got: now.Timestamp},
	} {
		if file.Got < file.Seen {
			return &file
		}
	}
	return nil
}
