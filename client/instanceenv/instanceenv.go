package instanceenv

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/opensbs/sbs/client/certs"
)

// Values are the environment variables of a server. All are base64, and none is
// secret.
type Values struct {
	ClientCert string `json:"CLIENT_CRT"` // of the client certificate in PEM, without its key
	ClientCA   string `json:"CLIENT_CA"`  // of the CA certificate in PEM
	ServerCert string `json:"SERVER_CRT"` // of the server certificate in PEM
	ServerKey  string `json:"SERVER_KEY"` // of an armoured OpenPGP message that holds the server's key in PEM
}

// Make reads the certificates, checks that a server with them and this client can
// connect at the time now, and returns the values, with the server's key encrypted to
// the server image.
func Make(files certs.Files, hostname string, image PublicKey, now time.Time) (Values, error) {
	client, err := certs.LoadClient(files, now)
	if err != nil {
		return Values{}, fmt.Errorf("instance environment: %w", err)
	}
	server, err := certs.LoadServer(files, hostname, now)
	if err != nil {
		return Values{}, fmt.Errorf("instance environment: %w", err)
	}
	sealed, err := image.encrypt(server.KeyPEM, now)
	if err != nil {
		return Values{}, fmt.Errorf("instance environment: %w", err)
	}
	encode := base64.StdEncoding.EncodeToString
	return Values{
		ClientCert: encode(client.CertificatePEM),
		ClientCA:   encode(client.RootPEM),
		ServerCert: encode(server.CertificatePEM),
		ServerKey:  encode(sealed),
	}, nil
}

// encrypt returns an armoured OpenPGP message that only the image can decrypt.
func (k PublicKey) encrypt(secret []byte, now time.Time) ([]byte, error) {
	var message bytes.Buffer
	armoured, err := armor.Encode(&message, "PGP MESSAGE", nil)
	if err != nil {
		return nil, fmt.Errorf("encrypt the server's key: %w", err)
	}
	config := &packet.Config{Time: func() time.Time { return now }, DefaultCipher: packet.CipherAES256}
	plain, err := openpgp.Encrypt(armoured, []*openpgp.Entity{k.entity}, nil, nil, config)
	if err != nil {
		return nil, fmt.Errorf("encrypt the server's key: %w", err)
	}
	_, err = plain.Write(secret)
	if err := errors.Join(err, plain.Close(), armoured.Close()); err != nil {
		return nil, fmt.Errorf("encrypt the server's key: %w", err)
	}
	message.WriteByte('\n')
	return message.Bytes(), nil
}

// YAML returns the values as lines for the env section of a contract.
func (v Values) YAML() string {
	var text strings.Builder
	for _, variable := range v.ordered() {
		fmt.Fprintf(&text, "%s: %q\n", variable[0], variable[1])
	}
	return text.String()
}

// Arguments returns the values as one line of -e options, for RUNTIME_TYPE classic.
func (v Values) Arguments() string {
	var options []string
	for _, variable := range v.ordered() {
		options = append(options, "-e "+variable[0]+"="+variable[1])
	}
	return strings.Join(options, " ") + "\n"
}

func (v Values) ordered() [4][2]string {
	return [4][2]string{
		{"CLIENT_CRT", v.ClientCert},
		{"CLIENT_CA", v.ClientCA},
		{"SERVER_CRT", v.ServerCert},
		{"SERVER_KEY", v.ServerKey},
	}
}
