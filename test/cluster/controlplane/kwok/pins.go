// Package kwok pins what the cluster tests take from Go modules besides the control plane:
// the KWOK binary (the tool line of go.mod) with its stages, and the Gateway API's CRDs.
package kwok

import (
	// Imported only so that `go mod tidy` keeps the version and the checksum.
	_ "sigs.k8s.io/gateway-api/apis/v1"
)
