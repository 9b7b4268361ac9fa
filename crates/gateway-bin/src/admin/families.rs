//! Every metric there is. `docs/metrics.md` describes them; a test compares the two.

use super::exposition::Family;

pub(super) const BUILD_INFO: Family =
    Family::gauge("gateway_build_info", "1, with the version of the program.");
pub(super) const WORKERS: Family =
    Family::gauge("gateway_workers", "Threads that serve connections.");
pub(super) const PANICS: Family = Family::counter(
    "gateway_panics_total",
    "Connections, sessions and requests that ended in a panic.",
);
pub(super) const READY: Family = Family::gauge("gateway_ready", "1 if /readyz says so, else 0.");

pub(super) const CONFIG_GENERATION: Family = Family::gauge(
    "gateway_config_generation",
    "How many configurations have differed from the one before.",
);
pub(super) const CONFIG_LAST_CHANGE: Family = Family::gauge(
    "gateway_config_last_change_timestamp_seconds",
    "When the configuration last changed.",
);
pub(super) const CONFIG_SOURCE: Family = Family::gauge(
    "gateway_config_source",
    "1 for where the configuration comes from: live, or the snapshot of the last run.",
);
pub(super) const CONFIG_READ: Family = Family::gauge(
    "gateway_config_read_timestamp_seconds",
    "When the objects were last read from there.",
);
pub(super) const CONFIG_PROBLEMS: Family = Family::gauge(
    "gateway_config_problems",
    "What is wrong with the objects that were read, by severity.",
);

pub(super) const REQUESTS: Family = Family::counter(
    "gateway_requests_total",
    "Responses that have begun, by listener and class of their status.",
);
pub(super) const REQUEST_FAILURES: Family = Family::counter(
    "gateway_request_failures_total",
    "Responses that the gateway made because something failed, by listener and reason.",
);
pub(super) const REQUESTS_ABANDONED: Family = Family::counter(
    "gateway_requests_abandoned_total",
    "Requests that the client gave up before there was a response, by listener.",
);
pub(super) const REQUESTS_IN_FLIGHT: Family = Family::gauge(
    "gateway_requests_in_flight",
    "Requests whose response has not ended, by listener.",
);
pub(super) const UNCLAIMED_REQUESTS: Family = Family::counter(
    "gateway_unclaimed_requests_total",
    "Responses to requests that are for no listener, by address and class of their status.",
);
pub(super) const UNCLAIMED_FAILURES: Family = Family::counter(
    "gateway_unclaimed_request_failures_total",
    "Failures of requests that are for no listener, by address and reason.",
);

pub(super) const CONNECTIONS_ACCEPTED: Family = Family::counter(
    "gateway_connections_accepted_total",
    "Connections that were accepted, by address.",
);
pub(super) const CONNECTIONS_OPEN: Family = Family::gauge(
    "gateway_connections_open",
    "Connections that are open, by address.",
);
pub(super) const CONNECTIONS_REFUSED: Family = Family::counter(
    "gateway_connections_refused_total",
    "Connections that were refused by a limit or policy, or for want of a PROXY protocol header, by address.",
);
pub(super) const HANDSHAKES: Family = Family::counter(
    "gateway_tls_handshakes_total",
    "TLS handshakes with clients that succeeded, by address.",
);
pub(super) const HANDSHAKE_FAILURES: Family = Family::counter(
    "gateway_tls_handshake_failures_total",
    "TLS handshakes with clients that did not succeed, by address and reason.",
);

pub(super) const STREAMS: Family = Family::counter(
    "gateway_streams_total",
    "TCP connections and UDP sessions that were forwarded and have ended, by address and end.",
);
pub(super) const STREAM_RECEIVED: Family = Family::counter(
    "gateway_stream_received_bytes_total",
    "Bytes from the clients of such connections and sessions.",
);
pub(super) const STREAM_SENT: Family = Family::counter(
    "gateway_stream_sent_bytes_total",
    "Bytes to the clients of such connections and sessions.",
);
pub(super) const SESSIONS: Family = Family::counter(
    "gateway_datagram_sessions_total",
    "UDP sessions that were begun, by address.",
);
pub(super) const SESSIONS_OPEN: Family = Family::gauge(
    "gateway_datagram_sessions_open",
    "UDP sessions that have not ended, by address.",
);
pub(super) const DATAGRAMS_DROPPED: Family = Family::counter(
    "gateway_datagrams_dropped_total",
    "Datagrams, or runs of them, that were dropped, by address.",
);

pub(super) const UPSTREAM_OPENED: Family = Family::counter(
    "gateway_upstream_connections_opened_total",
    "Connections to backends that were opened for requests.",
);
pub(super) const UPSTREAM_REUSED: Family = Family::counter(
    "gateway_upstream_connections_reused_total",
    "Requests that had a connection to their backend that was open already.",
);
pub(super) const UPSTREAM_FAILURES: Family = Family::counter(
    "gateway_upstream_connection_failures_total",
    "Connections to backends that could not be opened for requests.",
);

pub(super) const CERTIFICATE_NOT_AFTER: Family = Family::gauge(
    "gateway_certificate_not_after_seconds",
    "Until when a listener's certificate is valid, by listener and first name.",
);

pub(super) const WATCH_CONNECTED: Family = Family::gauge(
    "gateway_watch_connected",
    "1 if the API server tells of changes of a kind of objects, else 0.",
);
pub(super) const STATUS_WRITES: Family = Family::counter(
    "gateway_status_writes_total",
    "Statuses that were to be written, by what came of it.",
);
pub(super) const LEADER: Family = Family::gauge(
    "gateway_leader",
    "1 if this replica writes the statuses, else 0.",
);
