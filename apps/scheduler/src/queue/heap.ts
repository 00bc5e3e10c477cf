/** Where an item sits in its heap; -1 outside. An item is in at most one heap at a time. */
export interface HeapItem {
  heapIndex: number;
}

/** A binary heap whose items know their places, so that any of them leaves in logarithmic time. */
export class Heap<T extends HeapItem> {
  private readonly items: T[] = [];

  constructor(private readonly before: (a: T, b: T) => boolean) {}

  get size(): number {
    return this.items.length;
  }

  peek(): T | undefined {
    return this.items[0];
  }

  push(item: T): void {
    item.heapIndex = this.items.push(item) - 1;
    this.rise(item);
  }

  pop(): T | undefined {
    const first = this.items[0];
    if (first) this.remove(first);
    return first;
  }

  has(item: T): boolean {
    return this.items[item.heapIndex] === item;
  }

  remove(item: T): void {
    if (!this.has(item)) return;
    const at = item.heapIndex;
    const last = this.items.pop() as T;
    item.heapIndex = -1;
    if (last === item) return;
    this.place(last, at);
    this.rise(last);
    this.sink(last);
  }

  values(): readonly T[] {
    return this.items;
  }

  private place(item: T, at: number): void {
    this.items[at] = item;
    item.heapIndex = at;
  }

  private rise(item: T): void {
    while (item.heapIndex > 0) {
      const parent = this.items[(item.heapIndex - 1) >> 1] as T;
      if (!this.before(item, parent)) return;
      this.swap(item, parent);
    }
  }

  private sink(item: T): void {
    for (;;) {
      const left = item.heapIndex * 2 + 1;
      let least = item;
      for (const child of [this.items[left], this.items[left + 1]]) if (child && this.before(child, least)) least = child;
      if (least === item) return;
      this.swap(item, least);
    }
  }

  private swap(a: T, b: T): void {
    const at = a.heapIndex;
    this.place(a, b.heapIndex);
    this.place(b, at);
  }
}
