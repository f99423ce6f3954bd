//! Statistics under the names that Envoy gives them.
