/** Hands out pod addresses, each again only when all others were used since: an old address must not find a new pod. */
export function createAddresses(): { take(): string; giveBack(address: string): void } {
  const free = Array.from({ length: 4000 }, (_, index) => `10.77.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`);
  return {
    take: () => {
      const address = free.shift();
      if (address === undefined) throw new Error("no pod address is left");
      return address;
    },
    giveBack: (address) => void free.push(address),
  };
}
