//! Certificates of authorities, brokers and stations, made by openssl: `NAME.pem` with `NAME.key`.

use std::path::Path;
use std::process::Command;

/// For every name under which the tests reach a broker.
pub const HERE: &str = "subjectAltName=IP:127.0.0.1,DNS:localhost";

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().expect("openssl");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

fn request(folder: &Path, name: &str) {
    let key = format!("-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key");
    openssl(folder, &format!("req -new {key} -subj /CN={name} -out {name}.csr"));
}

/// An authority that signed its own certificate, valid for `days`; of 0 days it is valid for a second.
pub fn authority(folder: &Path, name: &str, days: u32) {
    request(folder, name);
    renew(folder, name, name, days);
}

/// Another certificate `renewed` of the authority `name`, with the same key.
pub fn renew(folder: &Path, name: &str, renewed: &str, days: u32) {
    std::fs::write(folder.join("extensions"), "basicConstraints=critical,CA:TRUE\n").unwrap();
    let key = format!("-signkey {name}.key -days {days} -extfile extensions");
    openssl(folder, &format!("x509 -req -in {name}.csr {key} -out {renewed}.pem"));
}

/// A certificate with `extension`, issued by `authority`.
pub fn issue(folder: &Path, authority: &str, name: &str, extension: &str, days: u32) {
    request(folder, name);
    std::fs::write(folder.join("extensions"), format!("basicConstraints=CA:FALSE\n{extension}\n")).unwrap();
    let by = format!("-CA {authority}.pem -CAkey {authority}.key -CAcreateserial -days {days} -extfile extensions");
    openssl(folder, &format!("x509 -req -in {name}.csr {by} -out {name}.pem"));
}
