// Link types by name, and the one policy about them: XDP sees Ethernet frames and nothing else.
// Numbers and names are those of the registry at tcpdump.org/linktypes. Knows nothing of file formats.

export const LINKTYPE_ETHERNET = 1;

// biome-ignore format: table
const LINK_TYPES: ReadonlyMap<number, string> = new Map([
  [0, "NULL"], [1, "ETHERNET"], [3, "AX25"], [6, "IEEE802_5"], [7, "ARCNET_BSD"], [8, "SLIP"], [9, "PPP"],
  [10, "FDDI"], [50, "PPP_HDLC"], [51, "PPP_ETHER"], [100, "ATM_RFC1483"], [101, "RAW"], [104, "C_HDLC"],
  [105, "IEEE802_11"], [107, "FRELAY"], [108, "LOOP"], [113, "LINUX_SLL"], [114, "LTALK"], [117, "PFLOG"],
  [119, "IEEE802_11_PRISM"], [122, "IP_OVER_FC"], [123, "SUNATM"], [127, "IEEE802_11_RADIOTAP"],
  [129, "ARCNET_LINUX"], [138, "APPLE_IP_OVER_IEEE1394"], [143, "DOCSIS"], [144, "LINUX_IRDA"],
  [147, "USER0"], [163, "IEEE802_11_AVS"], [165, "BACNET_MS_TP"], [166, "PPP_PPPD"], [187, "BLUETOOTH_HCI_H4"],
  [189, "USB_LINUX"], [192, "PPI"], [195, "IEEE802_15_4_WITHFCS"], [201, "BLUETOOTH_HCI_H4_WITH_PHDR"],
  [203, "LAPD"], [204, "PPP_WITH_DIR"], [220, "USB_LINUX_MMAPPED"], [227, "CAN_SOCKETCAN"], [228, "IPV4"],
  [229, "IPV6"], [239, "NFLOG"], [240, "NETANALYZER"], [249, "USBPCAP"], [251, "BLUETOOTH_LE_LL"],
  [253, "NETLINK"], [274, "ETHERNET_MPACKET"], [276, "LINUX_SLL2"],
]);

/** `LINKTYPE_RAW (101)`, `LINKTYPE 999` where the number has no name here. */
export function fmtLinkType(linkType: number): string {
  const name = LINK_TYPES.get(linkType);
  return name === undefined ? `LINKTYPE ${linkType}` : `LINKTYPE_${name} (${linkType})`;
}

/** Why packets of this link type cannot be run; undefined for Ethernet. */
export function whyNotEthernet(linkType: number): string | undefined {
  if (linkType === LINKTYPE_ETHERNET) return undefined;
  return `packets are ${fmtLinkType(linkType)}, only LINKTYPE_ETHERNET (1) can be run`;
}
