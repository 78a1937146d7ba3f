// Package ext stands in for a module of Traefik that is not published: the empty extension points of its configuration.
package ext

// HTTP adds nothing to the HTTP configuration.
type HTTP struct{}

// Router adds nothing to a router.
type Router struct{}
