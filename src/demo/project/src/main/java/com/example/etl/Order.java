package com.example.etl;

/** One order of a customer. Public fields and an empty constructor make it a type that Flink can serialize and evolve. */
public class Order {
  public long number;
  public String customer;
  public long cents;

  public Order() {}

  /** Order number n of an endless, repeatable sequence. */
  static Order of(long n) {
    Order order = new Order();
    order.number = n;
    order.customer = "customer-" + n % 20;
    order.cents = 100 + Math.floorMod(n * 7919, 9900);
    return order;
  }
}
