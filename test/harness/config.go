package harness

// The files for the user of the stack: a complete configuration as in the guide,
// and a description of the addresses.

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"
)

const (
	containerName = "SBContainer"
	hostname      = "localhost"
	imageName     = "sbs/demo"
	secretSize    = 128 // bytes of SECRET before base64
)

// configuration is sbs-config.json. The keys and their order are those of IBM's
// guide; the last group is additional, and IBM's client ignores it.
type configuration struct {
	Hostname      string `json:"HOSTNAME"`
	Port          string `json:"CICD_PORT"`
	ImageTag      string `json:"IMAGE_TAG"`
	ContainerName string `json:"CONTAINER_NAME"`
	UUID          string `json:"UUID"`
	Secret        string `json:"SECRET"`
	RuntimeType   string `json:"RUNTIME_TYPE"`

	GitHubKeyFile string `json:"GITHUB_KEY_FILE"`
	GitHubURL     string `json:"GITHUB_URL"`
	GitHubBranch  string `json:"GITHUB_BRANCH"`

	Repository     string            `json:"DOCKER_REPO"`
	User           string            `json:"DOCKER_USER"`
	Password       string            `json:"DOCKER_PASSWORD"`
	TagPrefix      string            `json:"IMAGE_TAG_PREFIX"`
	PushServer     string            `json:"DOCKER_PUSH_SERVER"`
	BaseServer     string            `json:"DOCKER_BASE_SERVER"`
	BaseUser       string            `json:"DOCKER_BASE_USER"`
	BasePassword   string            `json:"DOCKER_BASE_PASSWORD"`
	ReaderUser     string            `json:"DOCKER_RO_USER"`
	ReaderPassword string            `json:"DOCKER_RO_PASSWORD"`
	TrustServer    string            `json:"DOCKER_CONTENT_TRUST_PUSH_SERVER"`
	TrustBase      string            `json:"DOCKER_CONTENT_TRUST_BASE"`
	EnvWhitelist   []string          `json:"ENV_WHITELIST"`
	Arguments      map[string]string `json:"ARG"`

	StoreAPIKey       string `json:"COS_API_KEY_ID"`
	StoreCRN          string `json:"COS_RESOURCE_CRN"`
	StoreEndpoint     string `json:"COS_ENDPOINT"`
	StoreAuthEndpoint string `json:"COS_AUTH_ENDPOINT"`

	KnownHosts string `json:"GITHUB_KNOWN_HOSTS"`
	TrustCA    string `json:"DOCKER_CONTENT_TRUST_CA"`
}

// description is stack.json: the addresses, files and accounts of the stack, for
// other programs.
type description struct {
	PID         int              `json:"pid"` // of the process to send SIGTERM to
	Server      string           `json:"server"`
	Registry    string           `json:"registry"`
	Image       string           `json:"image"`
	BaseImage   string           `json:"base_image"`
	SignedBases []signedBase     `json:"signed_base_images"`
	Notary      string           `json:"notary"`
	GitSSH      string           `json:"git_ssh"`
	GitHTTPS    string           `json:"git_https"`
	GitUser     string           `json:"git_user"`
	GitToken    string           `json:"git_token"`
	GitRoot     string           `json:"git_root"`
	KnownHosts  string           `json:"known_hosts"`
	ObjectStore storeDescription `json:"object_store"`
	CAFile      string           `json:"ca_file"`
	Engine      string           `json:"engine"`
	Config      string           `json:"config"`
	Volume      string           `json:"volume"`
	Enclave     string           `json:"enclave"`
	ServerLog   string           `json:"server_log"`
}

// signedBase is a base image of the vendor, and the file of the key to it.
type signedBase struct {
	Image   string `json:"image"`
	Digest  string `json:"digest"`
	Method  string `json:"method"`
	KeyID   string `json:"key_id"`
	KeyFile string `json:"key_file"`
}

type storeDescription struct {
	Endpoint     string   `json:"endpoint"`
	AuthEndpoint string   `json:"auth_endpoint"`
	APIKey       string   `json:"api_key"`
	ResourceCRN  string   `json:"resource_crn"`
	Buckets      []string `json:"buckets"`
}

func (s *Stack) writeConfig(port string) error {
	secret := make([]byte, secretSize)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("draw the secret: %w", err)
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("draw the client's UUID: %w", err)
	}
	s.clientID = id.String()
	writer, reader := s.Registry.Writer(), s.Registry.Reader()
	given := configuration{
		Hostname:      hostname,
		Port:          port,
		ImageTag:      "1.3.0.13",
		ContainerName: containerName,
		UUID:          s.clientID,
		Secret:        base64.StdEncoding.EncodeToString(secret),
		RuntimeType:   "vpc",

		GitHubKeyFile: s.dir.path(gitKeyName),
		GitHubURL:     s.Git.SSHURL(demoRepository),
		GitHubBranch:  "main",

		Repository:     imageName,
		User:           writer.User,
		Password:       writer.Password,
		TagPrefix:      "s390x-v1",
		PushServer:     s.Registry.Address(),
		BaseServer:     s.Registry.Address(),
		BaseUser:       reader.User,
		BasePassword:   reader.Password,
		ReaderUser:     reader.User,
		ReaderPassword: reader.Password,
		TrustServer:    s.Notary.URL(),
		TrustBase:      "False",
		EnvWhitelist:   []string{"LANG", "TZ"},
		Arguments:      map[string]string{"BASE": s.BaseImage},

		StoreAPIKey:       s.ObjectStore.APIKey(),
		StoreCRN:          s.ObjectStore.ResourceCRN(),
		StoreEndpoint:     s.ObjectStore.Endpoint(),
		StoreAuthEndpoint: s.ObjectStore.AuthEndpoint(),

		KnownHosts: string(s.Git.KnownHosts()),
		TrustCA:    string(s.Notary.CABundle()),
	}
	return errors.Join(s.writeJSON(configName, given), s.writeBaseSamples(given))
}

func (s *Stack) writeDescription() error {
	return s.writeJSON(descriptionName, description{
		PID:         os.Getpid(),
		Server:      s.Server.URL(),
		Registry:    s.Registry.Address(),
		Image:       s.Image(),
		BaseImage:   s.BaseImage,
		SignedBases: s.signedBases(),
		Notary:      s.Notary.URL(),
		GitSSH:      s.Git.SSHURL(demoRepository),
		GitHTTPS:    s.Git.HTTPSURL(demoRepository),
		GitUser:     gitUser,
		GitToken:    s.gitToken,
		GitRoot:     s.GitRoot,
		KnownHosts:  s.dir.path(knownHostsName),
		ObjectStore: storeDescription{
			Endpoint:     s.ObjectStore.Endpoint(),
			AuthEndpoint: s.ObjectStore.AuthEndpoint(),
			APIKey:       s.ObjectStore.APIKey(),
			ResourceCRN:  s.ObjectStore.ResourceCRN(),
			Buckets:      []string{manifestBucket, stateBucket},
		},
		CAFile:    s.dir.path(caName),
		Engine:    s.engine,
		Config:    s.dir.path(configName),
		Volume:    s.Server.Volume(),
		Enclave:   s.Server.Enclave(),
		ServerLog: s.Server.Log(),
	})
}

// Image returns the image repository of the configuration with its registry: the
// reference of the image that a build pushes, without a tag.
func (s *Stack) Image() string { return s.Registry.Address() + "/" + imageName }

func (s *Stack) writeJSON(name string, value any) error {
	text, err := json.MarshalIndent(value, "", "    ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return s.dir.write(name, append(text, '\n'))
}
