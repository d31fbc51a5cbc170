package api

// ObjectStore is the store of manifests or states: IBM Cloud Object Storage.
type ObjectStore struct {
	Bucket       string // *_BUCKET_NAME
	APIKey       Secret // *_COS_API_KEY_ID
	ResourceCRN  string // *_COS_RESOURCE_CRN
	AuthEndpoint string // *_COS_AUTH_ENDPOINT: URL of the IAM token service
	Endpoint     string // *_COS_ENDPOINT: URL or host of the S3 service
	HMACKeyID    string // *_COS_HMAC_ACCESS_KEY_ID (addition): instead of an API key
	HMACSecret   Secret // *_COS_HMAC_SECRET_ACCESS_KEY (addition)
	CA           string // *_COS_CA (addition): PEM certificates trusted for both endpoints
}

// Check reports what is missing to use the store, whose parameters begin with
// prefix: MANIFEST_ or STATE_. Its error is a *ParameterError.
func (o ObjectStore) Check(prefix string) error {
	needs := []struct{ key, value string }{
		{"BUCKET_NAME", o.Bucket},
		{"COS_ENDPOINT", o.Endpoint},
		{"COS_API_KEY_ID", string(o.APIKey)},
		{"COS_AUTH_ENDPOINT", o.AuthEndpoint},
	}
	if o.HMACKeyID != "" || o.HMACSecret != "" {
		needs = append(needs[:2:2], []struct{ key, value string }{
			{"COS_HMAC_ACCESS_KEY_ID", o.HMACKeyID},
			{"COS_HMAC_SECRET_ACCESS_KEY", string(o.HMACSecret)},
		}...)
	}
	for _, need := range needs {
		if key := prefix + need.key; need.value == "" {
			return &ParameterError{Key: key, Problem: "is missing, and the object store can't be used without it", Takes: takes(key)}
		}
	}
	return nil
}
