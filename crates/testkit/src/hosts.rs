//! Two hosts on a network of their own: network namespaces with addresses that nothing else has.
//!
//! In: the right to make namespaces, as root has it. Out: commands and threads that run on either host. A test that needs
//! them fails where they cannot be made: what is never tried is not known to work.

use std::{
    ffi::OsStr,
    fs::File,
    net::{IpAddr, Ipv4Addr},
    os::fd::AsFd as _,
    process::Command,
    sync::atomic::{AtomicU16, Ordering::Relaxed},
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::Error;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// 10.77.0.1.
    House,
    /// 10.77.0.2.
    Device,
}

impl Host {
    const ALL: [Self; 2] = [Self::House, Self::Device];

    /// Its address on the network between them.
    pub const fn address(self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 77, 0, self as u8 + 1))
    }
}

/// Both, until dropped.
#[derive(Debug)]
pub struct Hosts {
    /// Tells them from those of other tests.
    number: String,
}

impl Hosts {
    /// Makes them, with loopback and one link between them.
    pub fn connected() -> Result<Self, Error> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let number = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        // From here on an early return removes what was made.
        let hosts = Self { number };
        for host in Host::ALL {
            ip(&["netns", "add", &hosts.name(host)])?;
            ip(&["-n", &hosts.name(host), "link", "set", "lo", "up"])?;
        }
        let [house, device] = Host::ALL.map(|host| hosts.name(host));
        let peer = ["peer", "name", "eth0", "netns", &device];
        ip(&[&["-n", &house, "link", "add", "eth0", "type", "veth"], &peer[..]].concat())?;
        for host in Host::ALL {
            let (name, address) = (hosts.name(host), format!("{}/24", host.address()));
            ip(&["-n", &name, "addr", "add", &address, "dev", "eth0"])?;
            ip(&["-n", &name, "link", "set", "eth0", "up"])?;
            // Groups of the network, such as that of mDNS, are behind the link as well.
            ip(&["-n", &name, "route", "add", "224.0.0.0/4", "dev", "eth0"])?;
        }
        Ok(hosts)
    }

    /// A command of one host. It takes the place of `ip`, so that its pid is the program's.
    pub fn command(&self, host: Host, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(host)]).arg(program);
        command
    }

    /// Runs `work` in a thread of one host, and whatever threads it starts.
    pub fn on<T: Send + 'static>(
        &self,
        host: Host,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let path = format!("/run/netns/{}", self.name(host));
        let namespace = File::open(&path).map_err(Error::file(&path))?;
        let running = thread::spawn(move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .map(|()| work())
                .map_err(|error| Error::Namespace(error.to_string()))
        });
        running.join().expect("the work does not panic")
    }

    fn name(&self, host: Host) -> String {
        let word = match host {
            Host::House => "house",
            Host::Device => "device",
        };
        format!("casement-{}-{word}", self.number)
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in Host::ALL {
            let _ = ip(&["netns", "delete", &self.name(host)]);
        }
    }
}

fn ip(arguments: &[&str]) -> Result<(), Error> {
    let run = Command::new("ip").args(arguments).output();
    let output = run.map_err(|_| Error::NotInstalled {
        program: "ip",
        package: "iproute2",
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::Namespace(format!(
        "ip {}: {}",
        arguments.join(" "),
        said.trim()
    )))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[test]
    fn hosts_reach_each_other_and_not_each_others_loopback() {
        let hosts = Hosts::connected().unwrap();
        let listener = hosts
            .on(Host::House, || TcpListener::bind(("0.0.0.0", 7)).unwrap())
            .unwrap();
        let loopback = hosts
            .on(Host::House, || TcpListener::bind(("127.0.0.1", 8)).unwrap())
            .unwrap();
        hosts
            .on(Host::Device, || {
                let mut stream = TcpStream::connect((Host::House.address(), 7)).unwrap();
                stream.write_all(b"hi").unwrap();
                assert!(TcpStream::connect((Host::House.address(), 8)).is_err());
            })
            .unwrap();
        let (mut stream, peer) = listener.accept().unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), peer.ip()), ("hi", Host::Device.address()));
        drop(loopback);
        let name = hosts.name(Host::House);
        drop(hosts);
        assert!(!std::path::Path::new("/run/netns").join(name).exists());
    }
}
