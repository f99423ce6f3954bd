//! Clients and servers as others wrote them, at the two ends of a mesh: what they say passes the proxy of
//! the caller and then that of the called, and both have counted it. The name of the service has the
//! address of a host without such a server, so that only a proxy finds it.

mod curl;
mod load;
mod mesh;
mod nghttp2;
mod nginx;
mod python;
