// Package objectstore uploads objects to IBM Cloud Object Storage, or any other store
// with the S3 protocol, and downloads them.
//
// Its behaviour depends on its arguments only: unlike the SDK that it uses, it reads no
// environment value and no configuration file for credentials, profiles, regions or
// endpoints. Requests are path-style, so that one certificate is valid for all buckets.
// A Store is opened for one operation: it gets an IAM token at the start, and renews it
// when an upload takes longer than the token is valid.
//
// It trusts the CA certificates of the system and those it is given. A request is
// retried, with increasing pauses, after a 5xx status or a broken connection, and not
// after a refusal. API key, HMAC secret and token never appear in an error: an error
// quotes the status and the S3 error code of a response, and none of its text.
package objectstore
