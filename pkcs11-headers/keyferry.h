/* SPDX-License-Identifier: Apache-2.0 OR MIT */

/* What keyferry adds to PKCS#11: a key in the file that a cloud imports, in one call.
 *
 * Vendor-defined numbers start at CKx_VENDOR_DEFINED with the letters "KF" below it.
 */
#ifndef KEYFERRY_H
#define KEYFERRY_H

#include "pkcs11.h"

/* Azure's key transfer package, a .byok file.
 *
 * C_WrapKey with this mechanism answers the whole file, UTF-8 JSON, ready to be written to disk and
 * given to "az keyvault key import --byok-file". Inside is what CKM_RSA_AES_KEY_WRAP makes with an
 * AES key of 256 bits and OAEP with SHA-1, MGF1-SHA-1 and no label, as Azure wants it.
 *
 *   CK_MECHANISM mechanism = { CKM_KEYFERRY_AZURE_BYOK, NULL_PTR, 0 };
 *   C_WrapKey(session, &mechanism, kek, key, NULL_PTR, &length);   the exact length of the file
 *   C_WrapKey(session, &mechanism, kek, key, file, &length);       the file
 *
 * The wrapping key is the public key (CKO_PUBLIC_KEY, CKK_RSA, CKA_WRAP) that the vault handed out.
 * The file names it by its key identifier, which is the KEK's CKA_KEYFERRY_KID or, if it has none,
 * its CKA_LABEL if that is a key identifier URL; with neither there is an error and no file. The
 * mechanism takes no parameter (CKR_MECHANISM_PARAM_INVALID for a parameter or a missing key
 * identifier). What Azure would refuse is refused: KEKs other than RSA of 2048, 3072 and 4096 bits
 * (CKR_WRAPPING_KEY_SIZE_RANGE), and keys it does not take, AES keys for a vault that is no Managed
 * HSM among them (CKR_KEY_NOT_WRAPPABLE). All other rules are those of CKM_RSA_AES_KEY_WRAP.
 *
 * C_UnwrapKey takes such a file as the wrapped key and the KEK's private key as the unwrapping key.
 */
#define CKM_KEYFERRY_AZURE_BYOK 0xCB460001UL

/* The key identifier URL that the vault gave to a KEK, version included; UTF-8, not terminated:
 * https://<vault>.vault.azure.net/keys/<name>/<version>
 *
 * May stand in the template of C_CreateObject, C_GenerateKeyPair and C_SetAttributeValue.
 */
#define CKA_KEYFERRY_KID 0xCB460001UL

#endif
