//! A small safe client of any PKCS#11 module: the embedded one, or one loaded by path.
