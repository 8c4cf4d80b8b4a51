//! Why there is no connection, in words for the log.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError};
use rustls::{AlertDescription, CertificateError};

use super::authorities::{OutOfDate, dates};
use crate::config::mqtt::Mqtt;

/// What a person has to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The broker or the way to it.
    Away,
    /// The broker's certificate.
    Untrusted,
    /// What the station logs in with.
    Refused,
}

#[derive(Debug)]
pub struct Failure {
    pub kind: Kind,
    text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Failure {
    /// `stood`: how long the connection stood that broke; none if there was none.
    pub fn of(error: &ConnectionError, config: &Mqtt, stood: Option<Duration>) -> Self {
        let found = |kind, text: String| Self { kind, text };
        if let ConnectionError::ConnectionRefused(code) = error {
            return refused(*code, config);
        }
        if let Some(error) = cause::<rustls::Error>(error) {
            return of_tls(error, config);
        }
        if matches!(error, ConnectionError::NetworkTimeout) {
            return found(Kind::Away, "it does not answer".into());
        }
        let io = cause::<io::Error>(error);
        let is_closed = matches!(error, ConnectionError::MqttState(StateError::ConnectionAborted))
            || io.is_some_and(|error| {
                use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
                matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
            });
        match (is_closed, stood, io) {
            (true, None, _) => found(
                Kind::Refused,
                format!(
                    "it closes the connection before the login is done: check mqtt.port, {}",
                    also_of_login(config)
                ),
            ),
            (true, Some(stood), _) => found(
                Kind::Away,
                format!(
                    "it closed the connection after {} s; if that comes again and again, another client may use the name {:?} (mqtt.client_id)",
                    stood.as_secs(),
                    config.client_id
                ),
            ),
            (false, None, Some(error)) => found(Kind::Away, format!("it cannot be reached: {error}")),
            (false, ..) => found(Kind::Away, format!("the connection broke: {error}")),
        }
    }
}

/// The first cause of type `E`. An io::Error that wraps another error hides it from its own list of sources.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = error.downcast_ref().or_else(|| wrapped?.downcast_ref()) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// What else a broker may dislike that closes a connection without a word.
fn also_of_login(config: &Mqtt) -> &'static str {
    match (config.tls, config.client_certificate_file.is_some()) {
        (false, _) => "and set mqtt.tls if the broker expects it there",
        (true, false) => "whether the broker speaks TLS there, and whether it demands mqtt.client_certificate_file",
        (true, true) => "and whether the broker knows the authority of mqtt.client_certificate_file",
    }
}

fn refused(code: ConnectReturnCode, config: &Mqtt) -> Failure {
    use ConnectReturnCode::{BadClientId, BadUserNamePassword, NotAuthorized, RefusedProtocolVersion};
    let (kind, text) = match code {
        BadUserNamePassword | NotAuthorized => (
            Kind::Refused,
            match config.username.is_some() || config.username_file.is_some() {
                true => "it refuses the login: user or password is wrong there (mqtt.username, mqtt.username_file, mqtt.password_file)".into(),
                false => "it refuses a login without a user: give mqtt.username and mqtt.password_file".into(),
            },
        ),
        BadClientId => (Kind::Refused, format!("it refuses the name {:?} (mqtt.client_id)", config.client_id)),
        RefusedProtocolVersion => (Kind::Refused, "it does not speak MQTT 3.1.1".into()),
        _ => (Kind::Away, "it says that it is not available".into()),
    };
    Failure { kind, text }
}

fn of_tls(error: &rustls::Error, config: &Mqtt) -> Failure {
    let untrusted = |text: String| Failure { kind: Kind::Untrusted, text };
    match error {
        rustls::Error::InvalidCertificate(error) => {
            untrusted(format!("its certificate is not accepted: {}", of_certificate(error, config)))
        }
        rustls::Error::AlertReceived(alert) if is_about_client(*alert) => {
            let text = match config.client_certificate_file.is_some() {
                true => format!("it refuses the certificate of mqtt.client_certificate_file: {alert:?}"),
                false => format!(
                    "it demands a certificate of the station: give mqtt.client_certificate_file and mqtt.client_key_file ({alert:?})"
                ),
            };
            Failure { kind: Kind::Refused, text }
        }
        rustls::Error::InvalidMessage(_) => untrusted("it does not speak TLS: check mqtt.port and mqtt.tls".into()),
        error => untrusted(format!("TLS failed: {error}")),
    }
}

fn is_about_client(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            // What OpenSSL says in TLS 1.2 to a client without a certificate.
            | AlertDescription::HandshakeFailure
    )
}

fn of_certificate(error: &CertificateError, config: &Mqtt) -> String {
    match error {
        CertificateError::UnknownIssuer => match &config.ca_file {
            Some(path) => format!("no authority in {} (mqtt.ca_file) issued it", path.display()),
            None => "no authority that this system trusts issued it; name its authority in mqtt.ca_file".into(),
        },
        CertificateError::ExpiredContext { .. } | CertificateError::NotValidYetContext { .. } => {
            format!("it {}", dates(error))
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            // They come as `DnsName("broker.plant")`.
            let bare = |name: &String| name.split(['(', ')', '"']).rfind(|part| !part.is_empty()).map(String::from);
            let names: Vec<String> = presented.iter().filter_map(bare).collect();
            let names = if names.is_empty() { "no name at all".into() } else { names.join(", ") };
            format!("it is not for {} (mqtt.host), but for {names} (subjectAltName)", config.host)
        }
        CertificateError::Other(other) => match other.0.downcast_ref::<OutOfDate>() {
            Some(error) => error.to_string(),
            None => format!("{} ({error})", other.0),
        },
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &str) -> Mqtt {
        toml::from_str(&format!("host = \"broker\"\n{more}")).unwrap()
    }

    #[test]
    fn a_refused_login_is_told_from_a_broker_that_is_away() {
        let of = |error, stood| Failure::of(&error, &config("username = \"a\""), stood);
        let refused = of(ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized), None);
        assert_eq!(refused.kind, Kind::Refused);
        assert!(refused.to_string().contains("user or password is wrong"), "{refused}");
        let away = of(ConnectionError::Io(ErrorKind::ConnectionRefused.into()), None);
        assert_eq!((away.kind, away.to_string().as_str()), (Kind::Away, "it cannot be reached: connection refused"));
        let closed = || ConnectionError::MqttState(StateError::ConnectionAborted);
        assert_eq!(of(closed(), None).kind, Kind::Refused);
        let later = of(closed(), Some(Duration::from_secs(7)));
        assert_eq!(later.kind, Kind::Away);
        assert!(later.to_string().contains("closed the connection after 7 s"), "{later}");
        assert_eq!(of(ConnectionError::NetworkTimeout, None).kind, Kind::Away);
    }

    #[test]
    fn an_error_of_tls_is_found_wherever_it_is_wrapped() {
        let alert = || rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        let wrapped = || io::Error::new(ErrorKind::InvalidData, alert());
        for error in [ConnectionError::Io(wrapped()), ConnectionError::MqttState(StateError::Io(wrapped()))] {
            let failure = Failure::of(&error, &config("tls = true"), None);
            assert_eq!(failure.kind, Kind::Refused);
            assert!(failure.to_string().contains("demands a certificate of the station"), "{failure}");
        }
    }
}
