package lego

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"github.com/go-acme/lego/v5/acme"
	"github.com/go-acme/lego/v5/certificate"
	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/registration"
)

const DirectoryURLLetsEncrypt = "https://acme.invalid/directory"

var errWithout = errors.New("built without ACME")

type Config struct {
	CADirURL, UserAgent string
	HTTPClient          *http.Client
	Certificate         struct{ Timeout time.Duration }
}

func NewConfig(any) *Config { return &Config{} }

func CreateCertPool([]string, bool) (*x509.CertPool, error) { return nil, errWithout }

type Client struct {
	Challenge    challenges
	Certificate  certificates
	Registration registrations
}

func NewClient(*Config) (*Client, error) { return nil, errWithout }

type challenges struct{}

func (challenges) SetDNS01Provider(challenge.Provider, ...any) error     { return errWithout }
func (challenges) SetHTTP01Provider(challenge.Provider, ...any) error    { return errWithout }
func (challenges) SetTLSALPN01Provider(challenge.Provider, ...any) error { return errWithout }

type certificates struct{}

func (certificates) Obtain(context.Context, certificate.ObtainRequest) (*certificate.Resource, error) {
	return nil, errWithout
}

func (certificates) Renew(context.Context, certificate.Resource, *certificate.RenewOptions) (*certificate.Resource, error) {
	return nil, errWithout
}

type registrations struct{}

func (registrations) Register(context.Context, registration.RegisterOptions) (*acme.ExtendedAccount, error) {
	return nil, errWithout
}

func (registrations) RegisterWithExternalAccountBinding(context.Context, registration.RegisterEABOptions) (*acme.ExtendedAccount, error) {
	return nil, errWithout
}
