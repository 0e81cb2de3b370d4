import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { inspect } from "node:util";
import { useNamespace } from "../helpers/namespace.ts";
import { rejection } from "../connection/kit.ts";
import { Account, AccountProxy, Bank, copy, withdrawOne } from "../fixtures/manager/account.mjs";
import { work } from "./kit.ts";

useNamespace("manager-proxy-class");

const { Manager, ObjectProxy, ProcessPoolExecutor, ThreadPoolExecutor } = copy;

let bank: Bank;
beforeAll(async () => {
  bank = await Bank.start();
});
afterAll(() => bank.shutdown());

describe("a proxy class", () => {
  test("is that of the objects a manager makes, and of those their methods give", async () => {
    const account = await bank.Account(10);
    expectTypeOf(account).toEqualTypeOf<AccountProxy>();
    expect(account).toBeInstanceOf(AccountProxy);
    expect([await account.withdraw(3), await account.balance(), account.calls]).toEqual([7, 7, 1]);
    // It has the methods of its class alone.
    expect("deposit" in account).toBe(false);
    expect(await account.$call<number>("deposit", [1])).toBe(8);
    const other = await account.open(1);
    expect([other instanceof AccountProxy, await other.balance()]).toEqual([true, 1]);
    expect(inspect(account)).toMatch(/^<Account proxy, object \d+>$/);
    expect(await bank.create(Account, 5)).toBeInstanceOf(AccountProxy);
  });

  test("is that of a client that has registered no more than the name", async () => {
    class Remote extends Manager {}
    const Client = Remote.register("Account", undefined, { proxy: AccountProxy });
    const client = await Client.connect(bank.address);
    const account = await client.Account();
    expectTypeOf(account).toEqualTypeOf<AccountProxy>();
    expect(await account.withdraw(1)).toBe(-1);
    await client[Symbol.asyncDispose]();
  });

  test.each([
    ["process", () => new ProcessPoolExecutor({ maxWorkers: 1 })],
    ["thread", () => new ThreadPoolExecutor({ maxWorkers: 1 })],
  ] as const)("travels to a %s as itself where its module is loaded", async (_, make) => {
    const executor = make();
    const account = await bank.Account(10);
    expect(await executor.submit(withdrawOne, account)).toEqual(["AccountProxy", true, 9]);
    expect(await account.balance()).toBe(9);
    await executor.shutdown();
  });

  test("travels elsewhere as the plain proxy, and comes back as itself", async () => {
    const executor = new ProcessPoolExecutor({ maxWorkers: 1 });
    const account = await bank.Account(10);
    // The worker knows nothing of its module.
    expect(await executor.submit(work.callDeposit, account, 5)).toEqual([false, 15]);
    const back = await executor.submit(work.give, account);
    expect(back).toBeInstanceOf(AccountProxy);
    expect(await (back as AccountProxy).balance()).toBe(15);
    await executor.shutdown();
  });

  test("has to extend ObjectProxy", async () => {
    class Other extends Manager {}
    for (const proxy of [Account, ObjectProxy, {}, null]) {
      expect(() => Other.register("Account", Account, { proxy: proxy as never })).toThrow(
        /^Expected `proxy` to be a class that extends ObjectProxy/,
      );
    }
    expect(() => Other.register("Account", Account, { proxytype: AccountProxy } as never)).toThrow(
      /proxy/,
    );
    const account = await bank.Account();
    account[Symbol.dispose]();
    expect(await rejection(account.balance())).toMatchObject({
      code: "ERR_MANYCORE_INVALID_STATE",
    });
  });
});
