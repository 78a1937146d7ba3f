package certificate

import "github.com/go-acme/lego/v5/certcrypto"

type ObtainRequest struct {
	Domains                  []string
	Bundle, EnableCommonName bool
	EmailAddresses           []string
	Profile                  string
	PreferredChain           string
	KeyType                  certcrypto.KeyType
}

type RenewOptions struct {
	Bundle, EnableCommonName bool
	EmailAddresses           []string
	Profile                  string
	PreferredChain           string
	KeyType                  certcrypto.KeyType
}

type Resource struct {
	ID, Domain  string
	Domains     []string
	PrivateKey  []byte
	Certificate []byte
}
