"""What tests of real servers share: a proxy on loopback that makes the trouble a real server cannot be asked for."""
