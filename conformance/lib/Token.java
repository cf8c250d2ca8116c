import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * What a JDK program does with keys on a token through SunPKCS11, each checked by the JDK's own providers.
 *
 * <p>Prints a line {@code ok NAME} or {@code FAILED NAME: why} for every case of the arguments
 * {@code CONFIGURATION PIN}, and with a third one for those of the key schedule of TLS. The token holds {@code rsa} and {@code ec}, made by keytool.
 */
public final class Token {
    private static final byte[] MESSAGE = "a message that is longer than one block of any hash: ".repeat(5).getBytes(StandardCharsets.UTF_8);

    /** Suites of TLS 1.2 by key exchange, cipher and hash. */
    private static final String[] SUITES = {
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    };

    private final Provider provider;
    private final KeyStore store;
    private final char[] pin;

    private Token(Provider provider, char[] pin) throws Exception {
        this.provider = provider;
        this.pin = pin;
        store = KeyStore.getInstance("PKCS11", provider);
        store.load(null, pin);
    }

    public static void main(String[] arguments) throws Exception {
        Provider provider = Security.getProvider("SunPKCS11").configure(arguments[0]);
        if (arguments.length > 2) {
            // before all others, so that the JDK asks the token for the secrets of a connection, too
            Security.insertProviderAt(provider, 1);
            new Token(provider, arguments[1].toCharArray()).runKeySchedule();
        } else {
            Security.addProvider(provider);
            new Token(provider, arguments[1].toCharArray()).run();
        }
    }

    private interface Case {
        void run() throws Exception;
    }

    private void run() {
        for (String hash : new String[] {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512"}) {
            report(hash + "withRSA", () -> sign("rsa", hash + "withRSA", null));
            report(hash + "withECDSA", () -> sign("ec", hash + "withECDSA", null));
        }
        report("RSASSA-PSS", () -> sign("rsa", "RSASSA-PSS", new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1)));
        report("RSA/ECB/PKCS1Padding", this::decryptRsa);
        report("AES/ECB/NoPadding", () -> encrypt("AES/ECB/NoPadding", null, 240));
        report("AES/CBC/NoPadding", () -> encrypt("AES/CBC/NoPadding", new IvParameterSpec(new byte[16]), 240));
        report("AES/CBC/PKCS5Padding", () -> encrypt("AES/CBC/PKCS5Padding", new IvParameterSpec(new byte[16]), 245));
        report("AES/CTR/NoPadding", () -> encrypt("AES/CTR/NoPadding", new IvParameterSpec(new byte[16]), 245));
        report("AES/GCM/NoPadding", () -> encrypt("AES/GCM/NoPadding", new GCMParameterSpec(128, new byte[12]), 245));
        for (String hash : new String[] {"SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"}) {
            report(hash, () -> digest(hash));
            report("Hmac" + hash.replace("-", ""), () -> mac("Hmac" + hash.replace("-", "")));
        }
        report("ECDH", this::agree);
        report("EC key pair of a session", () -> generate("EC", new ECGenParameterSpec("secp384r1"), "SHA384withECDSA"));
        for (String version : new String[] {"TLSv1.2", "TLSv1.3"}) {
            report(version + " with rsa", () -> handshake("rsa", version, null));
            report(version + " with ec", () -> handshake("ec", version, null));
        }
    }

    private void runKeySchedule() {
        for (String suite : SUITES) {
            report(suite, () -> handshake(suite.contains("_ECDSA_") ? "ec" : "rsa", "TLSv1.2", suite));
        }
    }

    private static void report(String name, Case test) {
        try {
            test.run();
            System.out.println("ok " + name);
        } catch (Exception e) {
            System.out.println("FAILED " + name + ": " + e + (e.getCause() == null ? "" : ": " + e.getCause()));
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }

    private PrivateKey privateKey(String alias) throws Exception {
        PrivateKey key = (PrivateKey) store.getKey(alias, pin);
        require(key.getEncoded() == null, "the private key left the token");
        return key;
    }

    private PublicKey publicKey(String alias) throws Exception {
        return store.getCertificate(alias).getPublicKey();
    }

    private void sign(String alias, String algorithm, AlgorithmParameterSpec parameters) throws Exception {
        Signature signer = Signature.getInstance(algorithm, provider);
        signer.initSign(privateKey(alias));
        verify(signer, publicKey(alias), algorithm, parameters);
    }

    /** The token signs in parts; a provider of the JDK verifies, and then the token does, too. */
    private void verify(Signature signer, PublicKey key, String algorithm, AlgorithmParameterSpec parameters) throws Exception {
        if (parameters != null) {
            signer.setParameter(parameters);
        }
        signer.update(MESSAGE, 0, 100);
        signer.update(MESSAGE, 100, MESSAGE.length - 100);
        byte[] signature = signer.sign();
        Provider own = Security.getProvider(algorithm.endsWith("ECDSA") ? "SunEC" : "SunRsaSign");
        for (Signature verifier : new Signature[] {Signature.getInstance(algorithm, own), Signature.getInstance(algorithm, provider)}) {
            verifier.initVerify(key);
            if (parameters != null) {
                verifier.setParameter(parameters);
            }
            verifier.update(MESSAGE);
            require(verifier.verify(signature), verifier.getProvider() + " refuses the signature");
        }
    }

    private void decryptRsa() throws Exception {
        Cipher theirs = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
        theirs.init(Cipher.ENCRYPT_MODE, publicKey("rsa"));
        Cipher tokens = Cipher.getInstance("RSA/ECB/PKCS1Padding", provider);
        tokens.init(Cipher.DECRYPT_MODE, privateKey("rsa"));
        byte[] plain = Arrays.copyOf(MESSAGE, 100);
        require(Arrays.equals(plain, tokens.doFinal(theirs.doFinal(plain))), "decrypted to something else");
    }

    private void encrypt(String transformation, AlgorithmParameterSpec parameters, int length) throws Exception {
        SecretKeySpec own = new SecretKeySpec(Arrays.copyOf(MESSAGE, 32), "AES");
        SecretKey key = SecretKeyFactory.getInstance("AES", provider).translateKey(own);
        byte[] plain = Arrays.copyOf(MESSAGE, length);
        byte[] ours = crypt(Cipher.ENCRYPT_MODE, transformation, provider, key, parameters, plain);
        Provider theirs = Security.getProvider("SunJCE");
        require(Arrays.equals(ours, crypt(Cipher.ENCRYPT_MODE, transformation, theirs, own, parameters, plain)), "encrypted to something else");
        require(Arrays.equals(plain, crypt(Cipher.DECRYPT_MODE, transformation, provider, key, parameters, ours)), "decrypted to something else");
    }

    private static byte[] crypt(int mode, String transformation, Provider provider, SecretKey key, AlgorithmParameterSpec parameters, byte[] input) throws Exception {
        Cipher cipher = Cipher.getInstance(transformation, provider);
        cipher.init(mode, key, parameters);
        if (parameters instanceof GCMParameterSpec) {
            // In parts, SunPKCS11 of JDK 17 hands the token the input of update and not that of doFinal.
            return cipher.doFinal(input);
        }
        byte[] first = cipher.update(input, 0, 33);
        byte[] last = cipher.doFinal(input, 33, input.length - 33);
        int split = first == null ? 0 : first.length;
        byte[] output = Arrays.copyOf(split == 0 ? new byte[0] : first, split + last.length);
        System.arraycopy(last, 0, output, split, last.length);
        return output;
    }

    private void digest(String algorithm) throws Exception {
        MessageDigest digest = MessageDigest.getInstance(algorithm, provider);
        digest.update(MESSAGE, 0, 7);
        digest.update(MESSAGE, 7, MESSAGE.length - 7);
        require(Arrays.equals(digest.digest(), MessageDigest.getInstance(algorithm, "SUN").digest(MESSAGE)), "another digest");
    }

    private void mac(String algorithm) throws Exception {
        SecretKeySpec own = new SecretKeySpec(Arrays.copyOf(MESSAGE, 40), "Generic");
        Mac theirs = Mac.getInstance(algorithm, "SunJCE");
        theirs.init(own);
        Mac ours = Mac.getInstance(algorithm, provider);
        ours.init(own);
        ours.update(MESSAGE, 0, 7);
        ours.update(MESSAGE, 7, MESSAGE.length - 7);
        require(Arrays.equals(ours.doFinal(), theirs.doFinal(MESSAGE)), "another code");
    }

    private void agree() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "SunEC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        KeyPair peer = generator.generateKeyPair();
        KeyAgreement ours = KeyAgreement.getInstance("ECDH", provider);
        ours.init(privateKey("ec"));
        ours.doPhase(peer.getPublic(), true);
        KeyAgreement theirs = KeyAgreement.getInstance("ECDH", "SunEC");
        theirs.init(peer.getPrivate());
        theirs.doPhase(publicKey("ec"), true);
        require(Arrays.equals(ours.generateSecret(), theirs.generateSecret()), "another secret");
    }

    private void generate(String algorithm, AlgorithmParameterSpec parameters, String signing) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm, provider);
        generator.initialize(parameters);
        KeyPair pair = generator.generateKeyPair();
        Signature signer = Signature.getInstance(signing, provider);
        signer.initSign(pair.getPrivate());
        verify(signer, pair.getPublic(), signing, null);
    }

    /** A server whose key is on the token, and a client that trusts its certificate alone; with any cipher suite or this. */
    private void handshake(String alias, String version, String suite) throws Exception {
        try (SSLServerSocket listening = (SSLServerSocket) serverContext(alias, version).getServerSocketFactory()
                .createServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            listening.setEnabledProtocols(new String[] {version});
            if (suite != null) {
                listening.setEnabledCipherSuites(new String[] {suite});
            }
            listening.setSoTimeout(20_000);
            Exception[] failure = new Exception[1];
            Thread server = new Thread(() -> {
                try (SSLSocket socket = (SSLSocket) listening.accept()) {
                    socket.setSoTimeout(20_000);
                    socket.getOutputStream().write(socket.getInputStream().readNBytes(MESSAGE.length));
                } catch (Exception e) {
                    failure[0] = e;
                }
            });
            server.start();
            Exception clients = null;
            try {
                echo(alias, version, listening.getLocalPort());
            } catch (Exception e) {
                clients = e;
            }
            server.join(20_000);
            if (failure[0] != null) {
                throw new IllegalStateException("server", failure[0]);
            }
            if (clients != null) {
                throw clients;
            }
        }
    }

    private SSLContext serverContext(String alias, String version) throws Exception {
        SSLContext context = SSLContext.getInstance(version);
        context.init(new javax.net.ssl.KeyManager[] {new OneKey(alias, (X509Certificate) store.getCertificate(alias), privateKey(alias))}, null, null);
        return context;
    }

    private void echo(String alias, String version, int port) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("server", store.getCertificate(alias));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance(version);
        context.init(null, trust.getTrustManagers(), null);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(MESSAGE);
            require(Arrays.equals(socket.getInputStream().readNBytes(MESSAGE.length), MESSAGE), "another message");
            require(socket.getSession().getProtocol().equals(version), "another version");
            require(socket.getSession().getPeerCertificates()[0].equals(store.getCertificate(alias)), "another certificate");
        }
    }

    /** Offers one key of the token, so that a case is about the key it names. */
    private static final class OneKey extends javax.net.ssl.X509ExtendedKeyManager {
        private final String alias;
        private final X509Certificate certificate;
        private final PrivateKey key;

        OneKey(String alias, X509Certificate certificate, PrivateKey key) {
            this.alias = alias;
            this.certificate = certificate;
            this.key = key;
        }

        @Override public String[] getClientAliases(String type, java.security.Principal[] issuers) {
            return null;
        }

        @Override public String chooseClientAlias(String[] types, java.security.Principal[] issuers, java.net.Socket socket) {
            return null;
        }

        @Override public String[] getServerAliases(String type, java.security.Principal[] issuers) {
            String[] own = {alias};
            return own;
        }

        @Override public String chooseServerAlias(String type, java.security.Principal[] issuers, java.net.Socket socket) {
            return type.startsWith(certificate.getPublicKey().getAlgorithm()) ? alias : null;
        }

        @Override public X509Certificate[] getCertificateChain(String name) {
            X509Certificate[] chain = {certificate};
            return chain;
        }

        @Override public PrivateKey getPrivateKey(String name) {
            return key;
        }
    }
}
