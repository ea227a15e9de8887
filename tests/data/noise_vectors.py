"""Figures of published test vectors of Noise, all in hex. Loads on CPython and MicroPython.

XXHFS: py-libp2p pull request 1310, commit cea85ba7, mlkem768-xxhfs-vectors.json: the suite of today, libp2p payloads
that hold the identity and nothing more. XXHFS_OLD: ChainSafe/js-libp2p-noise pull request 665, commit dafdd643,
pqc-test-vectors.json: the name of before September 2026, empty payloads. Both make their keys alike, each a byte
repeated: base + 1 and + 2 are the static secrets of initiator and responder, + 3 and + 4 the ephemeral ones, + 5 the
64-byte ML-KEM seed, + 6 what encapsulation takes, + 7 and + 8 the seeds of the identities. An entry is

    (base, handshake hash, the initiator's sending key, the responder's, the third message)

The handshake hash is a SHA-256 over the suite's name and every byte of the three messages, so whoever has it has the
first two messages byte for byte as well; they are 2.5 KB an entry and not repeated here.

TRANSCRIPT: js-libp2p-noise pull request 665 and py-libp2p, commit 7556d966, transcript-binding-vectors.json: the lists
and their signatures (extension variant), for the identity, static key and handshake hash named first.

XX: cacophony's vectors, as in mcginty/snow at 8ac60f5: payloads and what goes over the wire, in turns.
"""

XXHFS_SIZES = (1216, 1304, 168)
XXHFS = (
    (
        0x10,
        "ee8726caad47a1d4c044af66aceec1f259478049e3b228620a4ad562fc5836ad",
        "0a825d67cbf14170dcccf6f5c54d50f46a9a23541122654f5bec41ef0a5657e5",
        "f8546817671a440fd8df45b26fd6b45ebbf39e4207455ca12bc6d56ac0b35ebc",
        "ecee945a65a96f34fdaf116d3c70727852b0a25eb350bf72bb088f21cb374ba5fc493edaf290998e1a7dd592df0bad9f"
        "e5cf7fbd7377f1e50435c594bda80b3c59b9948775310c97c9df07e13b7eb532143eb0439d0d648a1351c71485e40978"
        "1344589fa320018f02596d163e19dbd09c8cba3cbcebbe207ba2acda3d4ef92d9f120d763fe19283ef82372c32fc6103"
        "2363513b2eae8e06036bfb1a952e6674817b5017b57ec386",
    ),
    (
        0x20,
        "3cea748f7a499c24b01bc8633218a31b1b0cd5f3a6ec7bda0df48ce1e04d99b9",
        "aa143be94bcfb2ebb59fd99e0f1c71cae2d4754ca3fe0e7b898e0a7ddda5ea6c",
        "fb1f9bc96bdba7cd9c437a573944abafbfcda24bc474a9495d23645db7db393d",
        "ddacbb789c886b769fb3db311cfe929ed25301dc766b5a8ca04583fc8cd0d5bcc2c94151989d5d49c19694f9e42a0ec2"
        "14c2629f2968b531f74d5cb4516fc4037eb611c87d95f7b3a9d4951a4514600eb4a095a7693d4e9535c4f0e245b4bbf8"
        "71f56f116b729e342dd29f2054030b95565557a9e811c298ef5c3ff27d2d2a22d63b2b99757c5cb60a4df011fae6bf7d"
        "db5a3988238c4e1a70373cfa3266af0b9f19080ee450bd7f",
    ),
    (
        0x30,
        "7fe24e2c2cf9855cf66c71a895d8a99fe508aed8b9ba889278d4855b642ba9f0",
        "42922fb7bab1dde089f464e9bc525f99f272447f0e9a7948bcd8ba929d5cc4da",
        "3cacd98adce72d5fe65927e8df29d394c76c566b7619f696a038d0ad833b64cd",
        "18a1136e9091913127f71ffcdba858fdb0cb1efaf2645b01a39f809f50ec2ef22099eaab1c8692493b4d5c862637e7c9"
        "b1c5108bfa8ef7bb009e5a38ceff4b9f1c041ced19a95b8bc998a1cf49e2318c1ab9e9e546d53ffd1193116496c1e0a5"
        "2e0f8423d9a860b1dcae9407a91fb730aecfcf201236aebc232fb182ff000b9b54d366c673cd7cdfcbba28052791e979"
        "6649d3b25dea3672c8a82e0b9343a0eaf2a51342cc053863",
    ),
    (
        0x40,
        "f5df0e767ab6f7ccd3b4eb639c69220d38d2cd44ea5480d1e6c5e1b0a66d9bb1",
        "4dc6ea657c1179d9cd83adfa2ad004e5b808682d531b72ee6b1548c4c584eb19",
        "2097e5211c3d8e0edaa9be75542691cb5681276ba2ef0995a9e85b7e23fff4bc",
        "d3c0eab4a7092c4535043ab9bdd72348d4ec104bc46f5aee873148851bb3c567f073c5e848e7bea17f9b422086d8cad4"
        "e536e2367bc0b35fad2aa3ba31a8e9b8796a07ad59871f65fe3e4780b4cb55728bf6d06e164e1dbeefcc9702a8f54ffb"
        "4049c85ff3ebc0e202b21224316ee9ccf7890754e2775d5242a20cb85a390827d3271d4a1d47cb7e1f2d0b7d70a5c58f"
        "9b7ebb97db045cb58fd57f3932e61012b06b01d4839c1ba2",
    ),
    (
        0x50,
        "0b02490ba2041e02c27c2377728733a8017b0e36cb466068048234e2da37f8a1",
        "79552abe46606dbbd83160a07c7be1ef18416c0d232139d49e123ef421ebd2ac",
        "f87b71e7a2c37470959b6a4baa762c82458fa011446ea1ed50047ca8de58e883",
        "0167a61322a57abf26861150071f9b88bf44ad17520285b8be35c495d9ee6f56a84709d76422fea86fd6208553c006d8"
        "3be7fde9de69978408faf20dd5ef3fbd0c939dceeefe6b4f96c575e5aff8e54583cabdd70ea099b03b167801f6f4329b"
        "b7d66cd2b47a358958ff30ca99083efb673ae4ee483dac2a71b27f79556a051ee1ca3ff00694f006c6effd2d0ef6d35a"
        "d4859b2ed3d18088b740e6100e26b6f1bfa4fc4430c2386d",
    ),
)

XXHFS_OLD_NAME = b"Noise_XXhfs_25519+ML-KEM-768_ChaChaPoly_SHA256"
XXHFS_OLD_SIZES = (1216, 1200, 64)
XXHFS_OLD = (
    (
        0x10,
        "86b6140bdd5266658b0f25b5d3088153418f072068fb1564bf0502429d5ee862",
        "2931480a25e21d6f48b8687d7d753d0097d755fc8e76764b797a3c9db038422b",
        "49849d5ec7ee65f51397789fee47f984fee70a4d4628ea065e2a2b89395ea67a",
        "ddacaa0284833e7cfe64c1086652310737e24d4f9e9b01f851097a89dbc9ac0c9c9c3f7a6039d5d41edfe039792721b4"
        "ebf3a2d3cb8c67b29447f0b2a2bf422e",
    ),
    (
        0x20,
        "577325d811f9d5ddb7adcfceffd7a6bcc3571f1128c1f54eb1f3612e23e111c4",
        "f2405d2aa072c23d556abaa24f7443836060476345bf76d2d487110e8ef80bcc",
        "f549dd02dde0040f3dededa1adfd5ff6d1e1519c0c5a694c02fa36e628962291",
        "df35f2bf79e57b6d89af0e05d64a52874602fa12ba072d160e7ff28faa7260122f76c6aaeeea16ec209ffa57aaab9eaf"
        "68790d07d6e49e64eda87adedddf4792",
    ),
    (
        0x30,
        "b1da5746b0b26aaac64a5f61a251f530dab713ab33e4d33af9348379bf34120f",
        "3b8e4ffd64595bf640b1b964906e187a4e422645d0ba1b4c9d8a5836fedaec57",
        "46ab1e20bf72c3d6bc2cd6b9158c40a74bc08cdb6cedae63b83550071a1aea02",
        "52ab9734672240d1e780c55787fe4a9609159dceb3b138673ae2cdce3c4bde1c8f6385fd2ebc05ab56c0a0b4a8ee1196"
        "d6219c3a8bf33938eb25367451527250",
    ),
    (
        0x40,
        "8dba1d14111c067a030d21cece8b7badd4d35923ce06f1a1a713c10bae86624e",
        "fe5d1ecff40defd5270a389fcf32df5a983b7fb31207faf2fc1e40648099cb7d",
        "557e1fa63637c7a0a743dcc37dbbd7665b8dab7ccc70dfdcf8be863c937c39dc",
        "bdb8a5f3c3e4d697614b9e774dcc777b40a4736523798e25b18e082812ce3d85ba8527bb6dc5a43ab9d5ddabc88298da"
        "fdbcb78f0912b4ab7a2fa93f40a087ae",
    ),
    (
        0x50,
        "4a435e608cbc5effd38551169f9725d73fc9f15d24d913d7ab6886f39fed55a1",
        "db0108aa9c512f570d3046f6123e870520af76c173790a4cabe063f5d562dfe5",
        "8ed1c11ff6ca50eb43fd9e2bb507af1bdeea8ec1ef0f261bda2151720acef77a",
        "027a553aa42fac84c430e37511bf63d2cf33476fb99baa6766d25938e7e85e6a1fd3137bb079de8581bc50387f66c291"
        "796cdece30e0475177ccd2f2a58ac862",
    ),
)

TRANSCRIPT_SEED = "07" * 32
TRANSCRIPT_STATIC = "03" * 32
TRANSCRIPT_HASH = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
TRANSCRIPT_KEY = "08011220ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"
TRANSCRIPT_STATIC_SIGNATURE = (
    "291c0acc3bc87d75c18b87445f525b32a50b27bb1d75aa71"
    "ad88af4d9676a648284464522f4b6f6b41af80afb60ced003347f7f6e414ef0dcd9b5941b4cba308"
)
TRANSCRIPT = (
    (
        ["/noise"],
        "cc2b300e3754c0cf4dfb6795e7ff8ecdc3016ff9f5bd470852dfc2bd2d6f6ffc6145802e19e1c3bcfa8fbe1718dcb10d"
        "1744cc43d16b263bbca46b9e07ab1801",
    ),
    (
        ["/noise", "/noise-mlkem768-hfs/0.2.0"],
        "542a313b825f9127a1c600f634169b7d1942a2877b67464a6d3493f224b0fa36d56551eddf4d8eda835f85bae4a50025"
        "624b03bd6f0d67b4795e6c1ff764400b",
    ),
    (
        ["/noise-mlkem768-hfs/0.2.0", "/noise", "/tls/1.0.0"],
        "9d22cda199fba6b9f0b04f36e382fe256269486cf3ecaa6556d5631f514ff7f138208a5519acbd4851a176ffaf29c30b"
        "cc3341adfa8c83158f561451c85e300e",
    ),
    (
        ["ab", "c"],
        "bb8216c8bc78be50280d6dcb6cf93541502140f4577b0faf2486f64c51fb9cdcfd9c9652eaf0aaaf729e1d1959aaad4e"
        "1bae9230f7141bb15f47b619362a590c",
    ),
    (
        ["a", "bc"],
        "08ddc15b3c8b1463fc5a02281638b2436d8c40f5960460ca2ecde2c2786cfa0558a603f068093e3ebb90e56f48fa4fa3"
        "025b45b26692b17a847bc792a0a4420c",
    ),
)

XX_PROLOGUE = "4a6f686e2047616c74"
XX_INITIATOR_STATIC = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1"
XX_INITIATOR_EPHEMERAL = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"
XX_RESPONDER_STATIC = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"
XX_RESPONDER_EPHEMERAL = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"
XX_HANDSHAKE_HASH = "c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e"
XX_MESSAGES = (
    (
        "4c756477696720766f6e204d69736573",
        "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573",
    ),
    (
        "4d757272617920526f746862617264",
        "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884381cbad1f276e038c48378ffce2b65285"
        "e08d6b68aaa3629a5a8639392490e5b9bd5269c2f1e4f488ed8831161f19b7815528f8982ffe09be9b5c412f8a0db50f"
        "8814c7194e83f23dbd8d162c9326ad",
    ),
    (
        "462e20412e20486179656b",
        "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a80ae475b9df0f169ae80a89be0865b57f"
        "58c9fea0d4ec82a286427402f113e4b6ae769a1d95941d49b25030",
    ),
    (
        "4361726c204d656e676572",
        "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df",
    ),
    (
        "4a65616e2d426170746973746520536179",
        "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5",
    ),
    (
        "457567656e2042f6686d20766f6e2042617765726b",
        "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3a58502ae3f",
    ),
)
