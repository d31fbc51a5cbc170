package contract

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api/public"
)

// Private keys are refused wherever a contract has a public key or a certificate: alone,
// after one, and in base64.
func TestPrivateKeysAreNotPublic(t *testing.T) {
	now := time.Now()
	key := testKey(t)
	private, certificate := pemOf(t, key), string(certificatePEM(t, key, now.AddDate(0, 1, 0)))
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, public.ErrPrivate) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	_, err := ParseCertificate([]byte(certificate + private))
	check("encryption certificate", err)
	_, err = ParseSigningCertificate([]byte(certificate+private), key, now)
	check("signing certificate", err)

	encoded := base64.StdEncoding.EncodeToString([]byte(certificate + private))
	const text = "workload:\n  compose: {archive: !archive compose}\n"
	env := text + plainEnv
	for what, contract := range map[string]string{
		"attestationPublicKey": env + "attestationPublicKey: " + base64.StdEncoding.EncodeToString([]byte(private)) + "\n",
		"cacerts":              env + "  cacerts:\n  - name: " + encoded + "\n",
		"the syslog server":    strings.Replace(env, logRouter, "  logging: {syslog: {hostname: logs.example.com, server: "+encoded+"}}\n", 1),
		"the syslog client":    strings.Replace(env, logRouter, "  logging: {syslog: {hostname: logs.example.com, server: "+base64.StdEncoding.EncodeToString([]byte(certificate))+", cert: "+encoded+", key: "+encoded+"}}\n", 1),
		"grep11 clientCert":    grep11("clientCert: " + encoded + ", caCert: YQ=="),
		"grep11 caCert":        grep11("clientCert: YQ==, caCert: " + encoded),
		"images.dct":           text + "  images: {dct: {us.icr.io/namespace/app: {notary: \"https://n\", publicKey: " + encoded + "}}}\n" + plainEnv,
		"images.rhs":           text + "  images: {rhs: {docker.io/namespace/app: {publicKey: " + encoded + "}}}\n" + plainEnv,
	} {
		_, err := loaded(t, contract, fixedImage, CCRT)
		check(what, err)
	}
}

// grep11 is a contract with these members of a hardware security module.
func grep11(members string) string {
	return "workload:\n  compose: {archive: !archive compose}\n  volumes: {data: {seed: 0123456789-01234}}\n" + plainEnv +
		"  volumes:\n    data: {seed: 0123456789-01234, grep11: {address: \"hsm:9876\", clientKey: YQ==, " + members + ", metadata: {aesKeyBlob: YQ==}}}\n"
}
